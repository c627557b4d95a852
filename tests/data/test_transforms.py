import random
from contextlib import suppress

import numpy as np
import pytest
import torch
from PIL import Image

from msinet.data.transforms import MEAN, STD, apply_seeded, embedding_transform, training_transform


@pytest.fixture
def image():
    """A 40x30 picture of noise (width x height)."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8))


def in_colours(normalised: torch.Tensor) -> torch.Tensor:
    """Undo the normalisation: (3, H, W) from 0 to 1."""
    return normalised * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]


def test_embedding_resizes_and_normalises(image):
    tensor = embedding_transform((30, 40))(image)
    assert (tensor.shape, tensor.dtype) == ((3, 30, 40), torch.float32)
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1) / 255
    torch.testing.assert_close(in_colours(tensor), pixels)


@pytest.mark.parametrize("size", [(16, 16), (64, 32), (33, 47)])
def test_both_give_the_size_asked_for_whatever_the_image(image, size):
    for transform in (embedding_transform(size), training_transform(size, color_jitter=0.4)):
        assert transform(image).shape == (3, *size)
        assert transform(image.resize((7, 90))).shape == (3, *size)


def test_without_augmentation_training_is_embedding_or_its_mirror(image):
    plain = embedding_transform((24, 32))(image)
    transform = training_transform((24, 32), padding=0, erasing=0)
    seen = [apply_seeded(transform, image, (seed,)) for seed in range(20)]
    mirrored = sum(torch.equal(tensor, plain.flip(2)) for tensor in seen)
    assert sum(torch.equal(tensor, plain) for tensor in seen) + mirrored == 20
    assert 4 < mirrored < 16


def test_what_is_erased_has_the_mean_colour():
    """The published fill is not the mean that it claims to be."""
    white = Image.new("RGB", (32, 32), "white")
    tensor = in_colours(apply_seeded(training_transform((32, 32), padding=0, erasing=1.0), white, (0,)))
    erased = (tensor - 1).abs().amax(0) > 1e-3
    assert 0.02 * 0.8 < erased.float().mean() < 0.4 * 1.2
    torch.testing.assert_close(tensor[:, erased], torch.tensor(MEAN)[:, None].expand(-1, int(erased.sum())))


def test_erasing_comes_in_its_share_of_images():
    white = Image.new("RGB", (32, 32), "white")
    transform = training_transform((32, 32), padding=0, erasing=0.5)
    erased = sum(bool((apply_seeded(transform, white, (seed,)) < 2).any()) for seed in range(200))
    assert 70 < erased < 130


def test_crops_move_by_at_most_the_padding_and_what_comes_in_is_black():
    white = Image.new("RGB", (64, 64), "white")
    transform = training_transform((64, 64), padding=4 / 64, erasing=0)
    margins = set()
    for seed in range(60):
        black = in_colours(apply_seeded(transform, white, (seed,))).amax(0) < 0.5
        assert not black[4:-4, 4:-4].any()
        margins.add(int(black.all(1).sum()))
    assert margins == {0, 1, 2, 3, 4}


def test_the_seed_fixes_the_picture(image):
    transform = training_transform((32, 32), color_jitter=0.4)
    pictures = []
    for state in (0, 1):
        torch.manual_seed(state)
        random.seed(state)
        np.random.seed(state)  # noqa: NPY002  a transform must not look at it
        pictures.append(apply_seeded(transform, image, (3, 1, 4)))
    assert torch.equal(*pictures)


def test_another_seed_gives_another_picture(image):
    transform = training_transform((32, 32))
    pictures = {apply_seeded(transform, image, seed).numpy().tobytes() for seed in [(0, 1, 2), (1, 0, 2), (0, 1, 3), (7,)]}
    assert len(pictures) == 4


@pytest.mark.parametrize("transform", [training_transform((32, 32), color_jitter=0.4), lambda image: 1 / 0])
def test_the_state_of_random_numbers_is_left_as_it_was(image, transform):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with suppress(ZeroDivisionError):  # A transform that fails leaves it alone as well.
        apply_seeded(transform, image, (0,))
    assert torch.equal(torch.get_rng_state(), before)
