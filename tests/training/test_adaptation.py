from pathlib import Path

import numpy as np
import pytest
import torch

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.engine.embed import embed
from msinet.errors import DatasetError, TrainingError
from msinet.model.model_files import load_model, save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at
from msinet.training import adaptation
from msinet.training.adaptation import Prior, WithinClass, adapt, cross_validate


def labelled(identities: int, seed: int = 0, noise: float = 3.0) -> Embeddings:
    """Embeddings in 8 dimensions whose cameras differ along one direction far more than identities do."""
    random = np.random.default_rng(seed)
    centres, shift = random.standard_normal((identities, 8)), np.zeros(8)
    shift[0] = noise
    vectors = [centre + side * shift + 0.05 * random.standard_normal(8) for centre in centres for side in (-1, 1)]
    records = [ImageRecord(Path(f"{i}_{c}.jpg"), f"v{i:03}", f"c{c}") for i in range(identities) for c in (0, 1)]
    unit = np.array(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Embeddings(unit.astype(np.float32), records)


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = MSINet(Architecture.named("msmt17"), 1, channels_at(0.25), (32, 32))
    network(torch.randn(8, 3, 32, 32))  # moves the running means of the batch norms
    return network.eval()


def test_the_covariance_within_identities_becomes_the_unit_matrix():
    embeddings = labelled(40)
    fitted = WithinClass.of(embeddings)
    _, matrix = fitted.map(0.0)
    mapped = embeddings.vectors.astype(float) @ matrix
    pairs = mapped.reshape(40, 2, 8)
    differences = (pairs - pairs.mean(1, keepdims=True)).reshape(80, 8)
    covariance = differences.T @ differences / 40
    np.testing.assert_allclose(covariance / covariance[0, 0], np.eye(8), atol=1e-3)


def test_the_map_is_the_inverse_root_of_the_shrunk_covariance():
    """Against the slow way: the square of the map, inverted, is the covariance up to its scale."""
    embeddings = labelled(30, seed=1)
    vectors = embeddings.vectors.astype(float)
    differences = [vectors[2 * i + side] - vectors[2 * i : 2 * i + 2].mean(0) for i in range(30) for side in (0, 1)]
    covariance = sum(np.outer(d, d) for d in differences) / 30
    shrunk = covariance + 0.3 * np.trace(covariance) / 8 * np.eye(8)
    _, matrix = WithinClass.of(embeddings).map(0.3)
    inverse = np.linalg.inv(matrix.astype(float) @ matrix.astype(float))
    np.testing.assert_allclose(inverse / np.trace(inverse), shrunk / np.trace(shrunk), atol=1e-5)


def test_the_more_shrinkage_the_less_the_map_does():
    fitted = WithinClass.of(labelled(30))
    far = [np.abs(fitted.map(shrinkage)[1] - np.eye(8)).max() for shrinkage in adaptation.SHRINKAGES]
    assert far == sorted(far, reverse=True)


def test_held_out_identities_gain_where_cameras_differ():
    before, tried = cross_validate(labelled(40), seed=0)
    assert before < 0.6
    assert max(tried.values()) > 0.9


def test_identities_of_one_camera_alone_are_ranked_without_cameras():
    embeddings = labelled(12)
    records = [ImageRecord(record.path, record.identity, "c0") for record in embeddings.records]
    before, tried = cross_validate(Embeddings(embeddings.vectors, records), seed=0)
    assert max(tried.values()) >= before


def test_an_adapted_network_maps_its_embeddings(network, make_splits):
    records = make_splits(train=8).train
    adapted = adapt(network, records)
    assert adapted.network.adaptation is not None
    assert network.adaptation is None
    plain = embed(network, records)
    expected = WithinClass.of(plain).apply(plain, adapted.shrinkage)
    np.testing.assert_allclose(embed(adapted.network, records).vectors, expected.vectors, atol=2e-4)


def test_the_map_is_kept_with_the_model(network, make_splits, tmp_path):
    records = make_splits(train=8).train
    adapted = adapt(network, records).network
    save_model(adapted, tmp_path)
    again = load_model(tmp_path)
    np.testing.assert_array_equal(embed(again, records).vectors, embed(adapted, records).vectors)


def test_few_labels_leave_an_adapted_network_what_it_was(network, make_splits):
    """The more the prior weighs, the nearer is the map to the one before."""
    records = make_splits(train=8).train
    once = adapt(network, records).network
    assert once.adaptation is not None
    before = once.adaptation.matrix.numpy() / np.linalg.norm(once.adaptation.matrix.numpy())
    other = WithinClass.of(embed(network, make_splits(train=5).train), Prior.of(once))
    far = []
    for shrinkage in (0.1, 1.0, 10.0, 1e6):
        matrix = other.map(shrinkage)[1]
        far.append(np.abs(matrix / np.linalg.norm(matrix) - before).max())
    assert far == sorted(far, reverse=True)
    assert far[-1] < 1e-4
    np.testing.assert_allclose(other.map(1e6)[0], once.adaptation.mean.numpy(), atol=1e-5)


def test_before_is_what_the_network_does_now(network, make_splits):
    """Cross-validation compares with the map that the network has, not with none."""
    records = make_splits(train=8).train
    once = adapt(network, records).network
    mapped, plain = embed(once, records), embed(network, records)
    before, _ = cross_validate(plain, 0, Prior.of(once))
    assert before == pytest.approx(cross_validate(mapped, 0)[0], abs=1e-3)


@pytest.mark.parametrize("records", [slice(0, 4), slice(0, None, 4)], ids=["one identity", "one image each"])
def test_too_few_labels_are_refused(network, make_splits, records):
    with pytest.raises(DatasetError, match="at least 4"):
        adapt(network, make_splits(train=8).train[records])


def test_a_map_that_does_not_help_is_refused(network, make_splits, monkeypatch):
    monkeypatch.setattr(adaptation, "cross_validate", lambda *_: (0.9, {1.0: 0.8, 3.0: 0.85}))
    with pytest.raises(TrainingError, match=r"from 90\.0% to 85\.0%"):
        adapt(network, make_splits(train=8).train)
