from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from msinet.batches.augmentation import Augmentation, normalise, resize
from msinet.batches.identity_sampler import IdentitySampler
from msinet.batches.image_cache import ImageCache, open_cache
from msinet.batches.loading import Batch, Batches, RecordImages, TrainingDraws, embedding_batches
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, SettingsError

SIZE = (32, 24)


@pytest.fixture
def records(tmp_path):
    """Images of 6 identities, 3 each: in two cameras and in an unknown one."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(18):
        path = tmp_path / f"{number:02}.png"
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path)
        made.append(ImageRecord(path, f"car {number % 6}", ("north", "south", None)[number // 6]))
    return made


@pytest.fixture
def batches(records):
    """Return a function that makes the training batches from number `start` up to `stop`."""
    images = RecordImages(records, SIZE, seed=(1,))

    def make(start=0, stop=10, share=(0, 1), workers=0) -> list[Batch]:
        sampler = IdentitySampler(images.identities, 4, 2, seed=1)
        assert len(sampler) == 3  # 6 identities of 2 groups: ten batches are more than three epochs.
        loading = Batches(
            images, TrainingDraws(sampler, start, stop, share), Augmentation(color_jitter=0.2), workers=workers
        )
        assert loading.workers == workers
        return list(loading)

    return make


def assert_equal(one: list[Batch], other: list[Batch]):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert all(torch.equal(getattr(a, name), getattr(b, name)) for name in Batch.__dataclass_fields__)


def test_the_number_of_workers_changes_nothing(batches):
    torch.manual_seed(1)
    alone = batches(workers=0)
    torch.manual_seed(2)
    assert_equal(batches(workers=2), alone)


@pytest.mark.parametrize("start", [1, 3, 7])
def test_a_resumed_run_has_the_batches_of_an_uninterrupted_one(batches, start):
    assert_equal(batches(start=start), batches()[start:])


def test_the_shares_of_two_processes_make_the_whole_batch(batches):
    shares = zip(batches(share=(0, 2)), batches(share=(1, 2)), strict=True)
    joined = [Batch(*(torch.cat([getattr(a, n), getattr(b, n)]) for n in Batch.__dataclass_fields__)) for a, b in shares]
    assert_equal(joined, batches())


def test_a_processs_share_has_whole_identities(batches):
    for batch in batches(share=(1, 2)):
        pairs = batch.identities.view(-1, 2)
        assert torch.equal(pairs[:, 0], pairs[:, 1])
        assert len(pairs) == len(pairs[:, 0].unique()) == 2


def test_processes_must_divide_the_identities_of_a_batch():
    sampler = IdentitySampler(range(6), 4, 1, 0)
    with pytest.raises(SettingsError, match="identities_per_batch is 4: it must divide by the 3 processes") as error:
        TrainingDraws(sampler, 0, 1, (0, 3))
    assert error.value.settings == ("identities_per_batch",)


def test_an_image_is_augmented_differently_each_time(batches):
    pictures = [picture for batch in batches() for picture in batch.images[batch.positions == 0]]
    assert len({picture.numpy().tobytes() for picture in pictures}) == len(pictures) > 2


def test_the_runs_seed_changes_the_augmentation(records):
    draws = TrainingDraws(IdentitySampler([int(r.identity[-1]) for r in records], 4, 2, 0), 0, 1)
    one, other = (next(iter(Batches(RecordImages(records, SIZE, (s,)), draws, Augmentation()))) for s in (0, 1))
    assert torch.equal(one.positions, other.positions)
    assert not torch.equal(one.images, other.images)


def test_a_batch_has_the_labels_of_its_images(records, batches):
    batch = batches()[0]
    assert batch.images.shape == (8, 3, *SIZE)
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    shown = [records[position] for position in batch.positions]
    assert batch.identities.tolist() == [int(record.identity[-1]) for record in shown]
    assert batch.cameras.tolist() == [{"north": 0, "south": 1, None: -1}[record.camera] for record in shown]
    assert {labels.dtype for labels in (batch.identities, batch.cameras, batch.positions)} == {torch.int64}
    assert len(batch) == 8


def test_embedding_batches_have_every_record_once_in_order_and_plain(records):
    shown = list(embedding_batches(RecordImages(records, SIZE), batch_size=7))
    assert [len(batch) for batch in shown] == [7, 7, 4]
    assert torch.cat([batch.positions for batch in shown]).tolist() == list(range(18))
    pixels = np.stack([resize(Image.open(record.path), SIZE) for record in records])
    expected = normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    torch.testing.assert_close(torch.cat([batch.images for batch in shown]), expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_image_is_named_and_loading_ends(records, workers):
    records[5].path.write_bytes(b"not an image")
    with pytest.raises(DatasetError, match=r"cannot read the image .*05\.png"):
        list(embedding_batches(RecordImages(records, SIZE), workers=workers))


def test_batches_are_on_the_device(records):
    device = torch.device("meta")
    assert {batch.images.device for batch in embedding_batches(RecordImages(records, SIZE), device=device)} == {device}


def cached(records: list[ImageRecord]) -> ImageCache:
    """Return the cache of all images at SIZE, and overwrite the files themselves."""
    made = open_cache([record.path for record in records], SIZE)
    assert made
    for record in records:
        record.path.write_bytes(b"not an image any more")
    return made


def test_cached_images_give_the_same_batches_and_need_no_workers(records, batches):
    expected = batches(stop=4)
    images = RecordImages(records, SIZE, seed=(1,), caches={SIZE: cached(records)})
    draws = TrainingDraws(IdentitySampler(images.identities, 4, 2, seed=1), 0, 4)
    loading = Batches(images, draws, Augmentation(color_jitter=0.2), workers=2)
    assert loading.workers == 0
    assert_equal(list(loading), expected)


def test_workers_read_the_cache(records, batches):
    """Workers start because the small size has no cache; the batches at the other size come from the cache."""
    expected = batches(stop=4)
    images = RecordImages(records, SIZE, (1,), (2, (8, 8)), {SIZE: cached(records)})
    draws = TrainingDraws(IdentitySampler(images.identities, 4, 2, seed=1), 2, 4)
    loading = Batches(images, draws, Augmentation(color_jitter=0.2), workers=2)
    assert loading.workers == 2
    assert_equal(list(loading), expected[2:])


def test_labels_count_sorted_identities_and_cameras():
    labels = [("z", "2"), ("a", "1"), ("m", None)]
    images = RecordImages([ImageRecord(Path("x.jpg"), *label) for label in labels], SIZE)
    assert images.identities == [2, 0, 1]
    assert images.cameras == [1, 0, -1]


def test_early_batches_are_small(records):
    """Batches are counted over the run, whatever the length of an epoch."""
    images = RecordImages(records, (16, 16), small=(3, (8, 8)))
    sampler = IdentitySampler(images.identities, 4, 2, seed=0)
    heights = [batch.images.shape[2] for batch in Batches(images, TrainingDraws(sampler, 1, 5))]
    assert heights == [8, 8, 16, 16]
