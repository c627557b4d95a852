from pathlib import Path

import numpy as np
import pytest
import torch

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.engine.embed import embed
from msinet.engine.network_embedding import embed_views
from msinet.errors import DatasetError, SettingsError, TrainingError
from msinet.files.content_hash import content_hash
from msinet.files.sketch import Sketch
from msinet.model.model_files import load_model, save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at
from msinet.training import adaptation
from msinet.training.adaptation import CrossValidation, adapt, joined
from msinet.training.within_class import Prior, WithinClass


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


def validated(embeddings: Embeddings, prior: Prior | None = None) -> CrossValidation:
    without = embeddings.select(np.zeros(len(embeddings), bool))
    return CrossValidation.of(embeddings, without, prior or Prior(np.eye(embeddings.vectors.shape[1])), seed=0)


def test_held_out_identities_gain_where_cameras_differ():
    validation = validated(labelled(40))
    assert validation.before.mean() < 0.6
    assert validation.tried[validation.best].mean() > 0.9


def test_views_of_the_images_that_are_ranked_fit_no_map(monkeypatch):
    """Each fold fits to the images and views of the other identities alone."""
    embeddings = labelled(10)
    views = Embeddings(np.tile(embeddings.vectors, (3, 1)), [*embeddings.records] * 3)
    fitted_to = []

    def of(fitting: Embeddings, prior: Prior) -> WithinClass:
        fitted_to.append([record.identity for record in fitting.records])
        return within_class(fitting, prior)

    within_class = WithinClass.of
    monkeypatch.setattr(WithinClass, "of", of)
    validation = CrossValidation.of(embeddings, views, Prior(np.eye(8)), seed=0)
    ranked = np.array_split(validation.identities, len(fitted_to))
    for identities, others in zip(ranked, fitted_to, strict=True):
        assert {*identities} | {*others} == {record.identity for record in embeddings.records}
        assert not {*identities} & {*others}
        assert len(others) == 4 * (20 - len(identities))


def test_identities_of_one_camera_alone_are_ranked_without_cameras():
    embeddings = labelled(12)
    records = [ImageRecord(record.path, record.identity, "c0") for record in embeddings.records]
    validation = validated(Embeddings(embeddings.vectors, records))
    assert validation.gain(validation.best)[0] >= 0


def test_a_gain_is_a_mean_over_images_and_its_error_one_over_identities():
    validation = CrossValidation(["a", "a", "b"], np.array([0.5, 0.5, 0.5]), {1.0: np.array([0.7, 0.9, 0.4])})
    gain, error = validation.gain(1.0)
    assert gain == pytest.approx((0.2 + 0.4 - 0.1) / 3)
    assert error == pytest.approx(np.std([0.3, -0.1], ddof=1) / np.sqrt(2))


def test_of_equal_shrinkages_the_nearest_to_the_usual_is_taken():
    one = np.array([0.5])
    assert CrossValidation(["a"], one, {0.01: one, 0.3: one, 30.0: one}).best == 0.3


def test_an_adapted_network_maps_its_embeddings(network, make_splits):
    records = make_splits(train=8).train
    adapted = adapt(network, records)
    assert adapted.network.adaptation is not None
    assert network.adaptation is None
    plain = embed(network, records)
    views = embed_views(network, records, adaptation.FRAMING, adaptation.VIEWS)
    together = Embeddings(np.concatenate([plain.vectors, views.vectors]), [*records] * 5)
    expected = WithinClass.of(together).apply(plain, adapted.shrinkage)
    np.testing.assert_allclose(embed(adapted.network, records).vectors, expected.vectors, atol=2e-4)


def test_a_direction_in_which_views_differ_counts_less():
    embeddings, random = labelled(40), np.random.default_rng(1)
    views = np.tile(embeddings.vectors, (4, 1))
    views[:, 3] += random.standard_normal(len(views))
    without, with_views = (
        WithinClass.of(one).map(0.1)[1]
        for one in (embeddings, joined(embeddings, Embeddings(views, [*embeddings.records] * 4)))
    )
    shares = [np.linalg.norm(matrix[3]) / np.linalg.norm(matrix) for matrix in (without, with_views)]
    assert shares[1] < 0.5 * shares[0]


def test_images_that_a_network_without_a_map_learned_are_fitted_at_the_usual_shrinkage(network, make_splits, gaining):
    """Cross-validation over them tells nothing, and neither does its loss."""
    records = make_splits(train=8).train
    network.learned = Sketch.of(content_hash(record.path.read_bytes()) for record in records)
    gaining(-0.1, -0.2)
    assert adapt(network, records).shrinkage == adaptation.USUAL


def test_a_shrinkage_that_is_given_is_taken(network, make_splits, gaining):
    """The larger, the less a map stretches one direction more than another."""
    records = make_splits(train=8).train
    maps = [adapt(network, records, shrinkage=shrinkage) for shrinkage in (0.25, 25.0)]
    assert [adapted.shrinkage for adapted in maps] == [0.25, 25.0]
    little, much = (torch.linalg.cond(adapted.network.adaptation.matrix) for adapted in maps)
    assert little > much
    for nothing in (0.0, -1.0, float("nan")):
        with pytest.raises(SettingsError, match=r"shrinkage is .* it must be positive"):
            adapt(network, records, shrinkage=nothing)


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
    before = validated(embed(network, records), Prior.of(once)).before
    np.testing.assert_allclose(before, validated(embed(once, records)).before, atol=1e-3)


@pytest.mark.parametrize("records", [slice(0, 4), slice(0, None, 4)], ids=["one identity", "one image each"])
def test_too_few_labels_are_refused(network, make_splits, records):
    with pytest.raises(DatasetError, match="at least 4"):
        adapt(network, make_splits(train=8).train[records])


@pytest.fixture
def gaining(monkeypatch):
    """Return a function that lets the cross-validation find these gains, image by image."""

    def gaining(*gains: float) -> None:
        before = np.full(len(gains), 0.5)
        tried = dict.fromkeys(adaptation.SHRINKAGES, before + gains)
        found = CrossValidation([f"v{i}" for i in range(len(gains))], before, tried)
        monkeypatch.setattr(CrossValidation, "of", lambda *_: found)

    return gaining


def test_a_map_that_does_not_help_is_refused(network, make_splits, gaining):
    gaining(-0.1, 0.0)
    with pytest.raises(TrainingError, match=r"from 50\.0% to 45\.0%"):
        adapt(network, make_splits(train=8).train)


@pytest.mark.parametrize(("gains", "refused"), [((0.0, 0.0), True), ((0.3, -0.1), True), ((0.3, 0.2), False)])
def test_a_map_that_the_network_has_is_given_up_for_a_sure_gain_alone(network, make_splits, gaining, gains, refused):
    records = make_splits(train=16).train
    once, others = adapt(network, records[:32]).network, records[32:]
    gaining(*gains)
    adapt(network, others)  # Without a map there is nothing to lose.
    if refused:
        with pytest.raises(TrainingError, match="would not help"):
            adapt(once, others)
    else:
        adapt(once, others)


def test_images_that_an_adapted_network_learned_adapt_it_no_further(network, make_splits, gaining):
    """Cross-validation over them finds gains that other images do not have."""
    records = make_splits(train=8).train
    once = adapt(network, records).network
    gaining(0.3, 0.2)
    with pytest.raises(TrainingError, match="learned about 100% of these images"):
        adapt(once, records)
    network.learned = once.learned
    adapt(network, records)  # A network without a map is adapted by what it was trained on.


def test_an_adapted_network_says_which_images_it_learned_besides_those_before(network, make_splits):
    records = make_splits(train=8).train
    before = Sketch.of([content_hash(b"an image of the training")])
    network.learned = before
    adapted = adapt(network, [*records, ImageRecord(records[0].path.with_name("one.png"), "alone", "c1")]).network
    learned = Sketch.of(content_hash(record.path.read_bytes()) for record in records)
    assert adapted.learned == learned.union(before)
    assert network.learned == before
