import numpy as np
import pytest

from msinet.data.embeddings import Embeddings
from msinet.errors import DatasetError
from msinet.evaluation.similarities import Cosine


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_embedding_that_is_not_finite_is_named(image, value):
    vectors = np.eye(3, dtype=np.float32)
    vectors[1, 0] = value
    images = Embeddings(vectors, [image(f"{i}.jpg", "1", "c1") for i in range(3)])
    with pytest.raises(DatasetError, match=r"embedding of 1\.jpg.* is not finite"):
        Cosine(images, images)


def test_an_embedding_that_is_not_of_unit_length_is_named(image):
    images = Embeddings(np.full((1, 4), 2, dtype=np.float32), [image("a.jpg", "1", "c1")])
    with pytest.raises(DatasetError, match=r"embedding of a\.jpg.* has length 4: scale it to 1"):
        Cosine(images, images)


def test_embeddings_of_two_models_cannot_be_compared(image):
    query = Embeddings(np.eye(1, 4, dtype=np.float32), [image("q", "1", "c1")])
    gallery = Embeddings(np.eye(1, 8, dtype=np.float32), [image("g", "1", "c2")])
    with pytest.raises(DatasetError, match=r"4 dimensions and gallery embeddings 8.*same model"):
        Cosine(query, gallery)
