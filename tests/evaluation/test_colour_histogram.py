import numpy as np
import pytest
from PIL import Image

from msinet.data.records import ImageRecord
from msinet.evaluation.colour_histogram import BINS, colour_histograms


def record(folder, name, strips):
    """Write a picture of coloured strips, from top to bottom."""
    image = np.repeat(np.array(strips, np.uint8), 8, axis=0)[:, None].repeat(10, 1)
    Image.fromarray(image).save(folder / f"{name}.png")
    return ImageRecord(folder / f"{name}.png", name)


RED, GREEN, BLUE = (220, 20, 20), (20, 220, 20), (20, 20, 220)


@pytest.mark.parametrize("bins", BINS.values())
def test_similarity_is_the_share_of_strips_that_agree(tmp_path, bins):
    pictures = [
        record(tmp_path, str(i), s) for i, s in enumerate([(RED, GREEN, BLUE), (RED, GREEN, RED), (BLUE, RED, GREEN)])
    ]
    vectors = colour_histograms(pictures, bins).vectors
    np.testing.assert_allclose(vectors @ vectors.T, [[1, 2 / 3, 0], [2 / 3, 1, 0], [0, 0, 1]], atol=1e-6)


def test_half_of_a_colour_counts_half(tmp_path):
    """The Bhattacharyya coefficient of (1/2, 1/2) and (1, 0) is the root of a half."""
    mixed, plain = record(tmp_path, "mixed", [RED, BLUE]), record(tmp_path, "plain", [RED])
    vectors = colour_histograms([mixed, plain], strips=1).vectors
    assert vectors[0] @ vectors[1] == pytest.approx(0.5**0.5)


def test_no_images_give_no_vectors():
    assert colour_histograms([]).vectors.shape == (0, 3 * 8 * 8 * 4)
