import numpy as np
import pytest
import torch

from msinet.data.batches import embedding_batches
from msinet.engine.embed import embed
from msinet.engine.settings import MachineSettings
from msinet.model.architecture import Architecture, channels_at
from msinet.model.msinet import MSINet


@pytest.fixture(scope="module")
def model():
    return MSINet(Architecture.named("veri776"), 3, channels_at(0.25), (32, 48)).eval()


def test_embeddings_are_one_image_at_a_time(model, make_splits):
    """Neither the batch nor the order of the records changes an embedding."""
    records = make_splits().gallery
    exact = MachineSettings(precision="fp32")
    together = embed(model, records, exact)
    for record, vector in zip(records[:3], together.vectors, strict=False):
        pixels = next(iter(embedding_batches([record], (32, 48)))).images
        np.testing.assert_allclose(model(pixels).embedding.detach().numpy()[0], vector, atol=1e-5)
    backwards = embed(model, records[::-1], exact)
    np.testing.assert_allclose(backwards.vectors[::-1], together.vectors, atol=1e-5)


def test_embeddings_have_unit_length(model, make_splits):
    lengths = np.linalg.norm(embed(model, make_splits().gallery).vectors, axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)


def test_no_records_give_no_embeddings(model):
    assert embed(model, []).vectors.shape == (0, model.embedding_dim)


def test_precisions_can_follow_each_other_in_one_process(model, make_splits):
    records = make_splits(train=2, test=1).gallery
    vectors = [embed(model, records, MachineSettings(precision=precision)).vectors for precision in ("bf16", "fp32")]
    assert 0 < np.abs(vectors[0] - vectors[1]).max() < 0.05


@torch.no_grad()
def test_a_flipped_embedding_is_the_mean_of_both_sides(model, make_splits):
    records = make_splits().gallery[:4]
    pixels = next(iter(embedding_batches(records, (32, 48)))).images
    both = model(pixels).embedding + model(pixels.flip(3)).embedding
    found = embed(model, records, MachineSettings(precision="fp32"), flip=True).vectors
    np.testing.assert_allclose(found, both / both.norm(dim=1, keepdim=True), atol=1e-5)
