import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.evaluation.query_expansion import expand_queries


def test_an_expanded_query_is_the_mean_of_itself_and_what_it_finds(image):
    query = Embeddings(np.array([[1, 0, 0]], np.float32), [image("q")])
    gallery = Embeddings(np.array([[0, 0, 1], [0.8, 0.6, 0], [0.6, 0.8, 0]], np.float32), [image(name) for name in "abc"])
    mean = np.array([1 + 0.8 + 0.6, 0.6 + 0.8, 0]) / 3
    found = expand_queries(query, gallery, 2).vectors
    np.testing.assert_allclose(found, [mean / np.linalg.norm(mean)], rtol=1e-6)
