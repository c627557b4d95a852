import numpy as np
import pytest
import torch

from msinet.batches.augmentation import Augmentation, draw_numbers, resize
from msinet.batches.loading import RecordImages, embedding_batches
from msinet.data.pixels import load_image
from msinet.engine.embed import embed
from msinet.engine.machine import Machine
from msinet.engine.network_embedding import embed_views
from msinet.engine.settings import MachineSettings
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at

EXACT = MachineSettings(device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def network():
    return MSINet(Architecture.named("veri776"), 3, channels_at(0.25), (32, 48)).eval()


def test_embeddings_are_one_image_at_a_time(network, make_splits):
    """Neither the batch nor the order of the records changes an embedding."""
    records, machine = make_splits().gallery, Machine(EXACT)
    together = embed(network, records, machine)
    for record, vector in zip(records[:3], together.vectors, strict=False):
        pixels = next(iter(embedding_batches(RecordImages([record], (32, 48))))).images
        np.testing.assert_allclose(network.embed(pixels).detach().numpy()[0], vector, atol=1e-5)
    backwards = embed(network, records[::-1], machine)
    np.testing.assert_allclose(backwards.vectors[::-1], together.vectors, atol=1e-5)


def test_embeddings_have_unit_length(network, make_splits):
    lengths = np.linalg.norm(embed(network, make_splits().gallery, Machine(EXACT)).vectors, axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)


def test_several_records_of_a_file_have_one_embedding(network, make_splits):
    records = make_splits(train=2, test=1).gallery
    twice = embed(network, [*records, *records], Machine(EXACT))
    np.testing.assert_array_equal(twice.vectors[: len(records)], twice.vectors[len(records) :])


def test_no_records_give_no_embeddings(network):
    assert embed(network, [], Machine(EXACT)).vectors.shape == (0, network.embedding_dim)


def test_a_network_in_training_goes_on_training(network, make_splits):
    network.train()
    embed(network, make_splits(train=2, test=1).gallery, Machine(EXACT))
    assert network.training
    network.eval()


def test_precisions_can_follow_each_other_in_one_process(network, make_splits):
    records = make_splits(train=2, test=1).gallery
    settings = [MachineSettings(device="cpu", precision=precision) for precision in ("bf16", "fp32")]
    vectors = [embed(network, records, Machine(each)).vectors for each in settings]
    assert 0 < np.abs(vectors[0] - vectors[1]).max() < 0.05


@torch.no_grad()
def test_a_flipped_embedding_is_the_mean_of_both_sides(network, make_splits):
    records = make_splits().gallery[:4]
    pixels = next(iter(embedding_batches(RecordImages(records, (32, 48))))).images
    both = network.embed(pixels) + network.embed(pixels.flip(3))
    found = embed(network, records, Machine(EXACT), flip=True).vectors
    np.testing.assert_allclose(found, both / both.norm(dim=1, keepdim=True), atol=1e-5)


def test_views_are_the_augmented_images_in_turn(network, make_splits):
    records = make_splits(train=2, test=2).gallery
    augmentation = Augmentation(zoom=0.3, color_jitter=0.5, erasing=0)
    views = embed_views(network, records, augmentation, views=2, seed=3, machine=Machine(EXACT))
    assert [record.path for record in views.records] == [record.path for record in records] * 2
    for number, vector in enumerate(views.vectors):
        view, position = divmod(number, len(records))
        image = torch.from_numpy(resize(load_image(records[position].path), network.image_size)[None])
        drawn = torch.from_numpy(draw_numbers((3, view, position))[None])
        with torch.inference_mode():
            expected = network.embed(augmentation(image.permute(0, 3, 1, 2), drawn))[0]
        np.testing.assert_allclose(vector, expected.numpy(), atol=1e-4)
