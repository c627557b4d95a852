import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as torchvision

from msinet.batches.augmentation import MEAN, NUMBERS, STD, ZOOM, Augmentation, draw_numbers, normalise, resize


def noise(count: int = 1, height: int = 30, width: int = 40) -> torch.Tensor:
    """Return images (count, 3, height, width) uint8, channels last in memory."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def white(count: int, size: int = 32) -> torch.Tensor:
    return torch.full((count, size, size, 3), 255, dtype=torch.uint8).permute(0, 3, 1, 2)


def drawn(count: int) -> torch.Tensor:
    return torch.from_numpy(np.stack([draw_numbers((number,)) for number in range(count)]))


def in_colours(normalised: torch.Tensor) -> torch.Tensor:
    """Undo the normalisation: (B, 3, H, W) from 0 to 1."""
    return normalised * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]


@pytest.mark.parametrize("size", [(16, 16), (64, 32), (33, 47)])
def test_images_get_the_given_size(size):
    picture = Image.fromarray(np.asarray(noise()[0].permute(1, 2, 0)))
    for image in (picture, picture.resize((7, 90))):
        assert (resize(image, size).shape, resize(image, size).dtype) == ((*size, 3), np.uint8)


def test_an_image_of_the_right_size_is_unchanged():
    pixels = noise()[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(resize(Image.fromarray(pixels), (30, 40)), pixels)


def test_normalisation_can_be_undone():
    images = noise(3)
    tensor = normalise(images)
    assert (tensor.shape, tensor.dtype) == ((3, 3, 30, 40), torch.float32)
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(in_colours(tensor), images / 255)
    expected = torchvision.normalize(images / 255, list(MEAN), list(STD))
    torch.testing.assert_close(tensor, expected)


def test_without_shifts_and_erasing_images_are_plain_or_mirrored():
    images = noise().expand(20, -1, -1, -1)
    plain = normalise(noise())[0]
    seen = Augmentation(padding=0, erasing=0)(images, drawn(20))
    mirrored = sum(torch.equal(tensor, plain.flip(2)) for tensor in seen)
    assert sum(torch.equal(tensor, plain) for tensor in seen) + mirrored == 20
    assert 4 < mirrored < 16


def test_erased_areas_have_the_mean_colour():
    """The published fill is not the mean that it claims to be."""
    for tensor in in_colours(Augmentation(padding=0, erasing=1)(white(40), drawn(40))):
        erased = (tensor - 1).abs().amax(0) > 1e-3
        assert 0.02 * 0.7 < erased.float().mean() < 0.4 * 1.2
        torch.testing.assert_close(tensor[:, erased], torch.tensor(MEAN)[:, None].expand(-1, int(erased.sum())))


def test_erased_areas_and_aspects_fill_their_ranges():
    heights, widths = [], []
    for tensor in Augmentation(padding=0, erasing=1)(white(400, 64), drawn(400)):
        erased = (tensor == 0).all(0)
        heights.append(int(erased.any(1).sum()))
        widths.append(int(erased.any(0).sum()))
        assert erased.sum() == heights[-1] * widths[-1]
    areas, aspects = np.multiply(heights, widths) / 64**2, np.divide(heights, widths)
    assert areas.min() < 0.04 and areas.max() > 0.35
    assert abs(areas.mean() - 0.2) < 0.03
    assert aspects.min() < 0.4 and aspects.max() > 2.5
    assert abs(np.log(aspects).mean()) < 0.15


def test_erasing_has_its_probability():
    erased = (Augmentation(erasing=0.5, padding=0)(white(200), drawn(200)) == 0).flatten(1).any(1)
    assert 70 < int(erased.sum()) < 130


def test_crops_shift_by_at_most_the_padding_and_borders_are_black():
    margins = set()
    for tensor in in_colours(Augmentation(padding=4 / 64, erasing=0)(white(60, 64), drawn(60))):
        black = tensor.amax(0) < 0.5
        assert not black[4:-4, 4:-4].any()
        margins.add(int(black.all(1).sum()))
    assert margins == {0, 1, 2, 3, 4}


def test_a_crop_is_the_image_shifted():
    image, seen = noise(), set()
    for tensor in Augmentation(padding=2 / 30, erasing=0)(image.expand(40, -1, -1, -1), drawn(40)):
        inside = tensor[:, 4:-4, 4:-4]
        places = [
            (y, x, flipped)
            for y in range(-2, 3)
            for x in range(-2, 3)
            for flipped in (False, True)
            if torch.equal(inside, moved(image, y, x, flipped))
        ]
        assert len(places) == 1
        seen |= set(places)
    assert len(seen) > 20


def moved(image: torch.Tensor, y: int, x: int, flipped: bool) -> torch.Tensor:
    whole = normalise(image.flip(3) if flipped else image)[0]
    return whole[:, 4 + y : 26 + y, 4 + x : 36 + x]


def test_colours_are_brightness_contrast_and_saturation_in_turn():
    """As in torchvision, in floating point and without its clipping in between."""
    images = (noise(3) // 3 + 60).contiguous(memory_format=torch.channels_last)  # nothing comes near 0 or 255
    numbers = drawn(3)
    found = in_colours(Augmentation(padding=0, color_jitter=0.2, erasing=0)(images, numbers))
    for image, tensor, row in zip(images, found, numbers, strict=True):
        brightness, contrast, saturation = (
            1 + strength * (2 * row[3 + i].item() - 1) for i, strength in enumerate((0.2, 0.2, 0.15))
        )
        expected = torchvision.adjust_brightness(image / 255, brightness)
        expected = torchvision.adjust_contrast(expected, contrast)
        expected = torchvision.adjust_saturation(expected, saturation)
        torch.testing.assert_close(tensor, expected.flip(2) if row[0] < 0.5 else expected, atol=1e-3, rtol=0)


def test_colours_stay_in_range():
    tensors = in_colours(Augmentation(padding=0, color_jitter=0.9, erasing=0)(noise(30), drawn(30)))
    assert tensors.min() > -1e-6
    assert tensors.max() < 1 + 1e-6


def test_zoom_shows_a_window_of_other_sides_and_repeats_the_border():
    """On a picture whose red rises with x and green with y: their steps are the sides of the window."""
    steps = torch.arange(40.0)
    ramp = torch.stack([100 + 2 * steps.expand(40, 40), 100 + 2 * steps.expand(40, 40).T, torch.zeros(40, 40)]).to(
        torch.uint8
    )
    numbers = drawn(60)
    numbers[:, 0] = 1  # no flips
    seen = 255 * in_colours(Augmentation(padding=0, erasing=0, zoom=0.4)(ramp.expand(60, -1, -1, -1), numbers))
    sides = (0.2 * (2 * numbers[:, ZOOM] - 1)[:, [0, 1]] + 0.2 * (2 * numbers[:, ZOOM] - 1)[:, 2:3]).exp()
    for image, (wide, high) in zip(seen, sides.tolist(), strict=True):
        for colour, side in ((image[0], wide), (image[1].T, high)):
            inside = (colour > 101).all(0) & (colour < 177).all(0)
            columns = colour.mean(0)[inside]
            assert (columns[-1] - columns[0]).item() / (len(columns) - 1) == pytest.approx(2 * side, abs=0.1)
            assert colour.min() >= 99 and colour.max() <= 179
    assert sides.min() < 0.75 and sides.max() > 1.3


@pytest.mark.parametrize("zoom", [0.0, 0.3])
def test_an_image_is_augmented_by_its_own_numbers_alone(zoom):
    images, numbers = noise(6), drawn(6)
    augment = Augmentation(color_jitter=0.3, zoom=zoom)
    together = augment(images, numbers)
    assert together.is_contiguous(memory_format=torch.channels_last)
    for i in range(6):
        assert torch.equal(augment(images[i : i + 1], numbers[i : i + 1])[0], together[i])
    assert torch.equal(images, noise(6)), "the input is unchanged"


def test_numbers_follow_from_the_seed():
    assert draw_numbers((3, 1, 4)).shape == (NUMBERS,)
    np.testing.assert_array_equal(draw_numbers((3, 1, 4)), draw_numbers((3, 1, 4)))
    assert len({draw_numbers(seed).tobytes() for seed in [(0, 1, 2), (1, 0, 2), (0, 1, 3), (7,)]}) == 4
