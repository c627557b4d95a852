"""Several data sets, models, test sizes and protocols in one go."""

from pathlib import Path

import numpy as np
import pytest

from msinet.data.embeddings import Embeddings
from msinet.data.settings import DataSettings
from msinet.engine.embed import embed
from msinet.engine.evaluate import evaluate
from msinet.engine.machine import Machine
from msinet.engine.settings import MachineSettings
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.draws import read_draws
from msinet.evaluation.record import EvaluateCommand
from msinet.evaluation.settings import ScoringSettings
from msinet.jobs.score import Plan, Source, score_embeddings, score_models
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at

ON_CPU = MachineSettings(device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def network():
    return MSINet(Architecture.named("veri776"), 3, channels_at(0.25), (32, 48)).eval()


def test_every_test_size_is_scored_under_every_protocol(network, sized, tmp_path):
    draws = tmp_path / "draws.json"
    plan = Plan(protocols=(None, "market"), draws=draws)
    results = score_models({Path("m"): network}, [Source(Path("d"), sized)], plan, ON_CPU)
    assert [(r.task, r.protocol, r.gallery) for r in results] == [
        ("3", "vehicleid", 3),
        ("3", "market", 12),
        ("6", "vehicleid", 6),
        ("6", "market", 24),
    ]
    assert set(read_draws(draws)) == {"painted 3", "painted 6"}
    again = evaluate(network, sized, machine=Machine(ON_CPU), task="6", draws=draws)
    assert (again.scores, again.evidence.draws) == (results[2].scores, results[2].evidence.draws)


def test_every_model_is_scored_on_every_data_set_and_says_by_which_command(network, make_splits, tmp_path):
    reading = DataSettings(split_seed=3)
    sources = [Source(tmp_path / name, make_splits(test=2), reading) for name in ("one", "other")]
    models = {tmp_path / name: network for name in ("a", "b")}
    results = score_models(models, sources, Plan(camera_pairs=True), ON_CPU)
    commands = [result.record.command for result in results]
    assert [(c.data.name, c.model.name) for c in commands] == [("one", "a"), ("one", "b"), ("other", "a"), ("other", "b")]
    machine = {"device": "cpu", "precision": "fp32", "workers": 0, "deterministic": False}
    assert commands[0] == EvaluateCommand(tmp_path / "one", reading, tmp_path / "a", machine, camera_pairs=True)
    assert all(result.evidence.camera_pairs for result in results)


def test_what_cannot_be_scored_is_an_error_before_anything_is_embedded(network, make_splits):
    good, bad = (Source(Path(name), splits) for name, splits in (("a", make_splits()), ("b", make_splits(test=0))))

    class Untouchable(MSINet):
        def forward(self, images):
            raise AssertionError("embedded")

    untouchable = Untouchable(network.architecture, 3, network.channels, network.image_size)
    with pytest.raises(DatasetError, match="nothing to score"):
        score_models({Path("m"): untouchable}, [good, bad], settings=ON_CPU)
    plan = Plan(scoring=ScoringSettings(track_pooling=True), protocols=("veri776-index",))
    with pytest.raises(SettingsError, match="track_pooling cannot be combined"):
        score_models({Path("m"): untouchable}, [good], plan, ON_CPU)


def test_embeddings_of_others_are_scored_as_a_model_is(network, make_splits):
    splits = make_splits()
    embeddings = embed(network, splits.gallery, Machine(ON_CPU))
    [found] = score_embeddings(embeddings, [splits], settings=ON_CPU)
    expected = evaluate(network, splits, machine=Machine(ON_CPU))
    assert found.scores == expected.scores
    assert found.record.embeddings.dimensions == network.embedding_dim
    assert (found.record.model, found.record.command) == (None, None)
    np.testing.assert_array_equal(found.average_precision, expected.average_precision)


def test_data_sets_of_one_name_are_drawn_apart(make_splits):
    """Without a file of draws nothing is shared between them."""
    several = [make_splits(test=3), make_splits(test=5)]
    records = [record for splits in several for record in splits.gallery]
    embeddings = Embeddings(np.eye(len(records), dtype=np.float32), records)
    results = score_embeddings(embeddings, several, Plan(protocols=("vehicleid",)), ON_CPU)
    assert [result.gallery for result in results] == [3, 5]


def test_vectors_cannot_be_mirrored(network, make_splits):
    splits = make_splits()
    embeddings = Embeddings(np.eye(len(splits.gallery), dtype=np.float32), splits.gallery)
    with pytest.raises(SettingsError, match="flip needs a model"):
        score_embeddings(embeddings, [splits], Plan(scoring=ScoringSettings(flip=True)), ON_CPU)


def test_a_data_set_is_read_with_its_settings(tmp_path, make_splits):
    for record in make_splits(train=0, test=4).gallery:
        folder = tmp_path / record.identity / record.camera
        folder.mkdir(parents=True, exist_ok=True)
        (folder / record.path.name).write_bytes(record.path.read_bytes())
    source = Source.read(tmp_path, DataSettings(format="folders", verify=False))
    assert (source.path, source.reading.format, len(source.splits.gallery)) == (tmp_path, "folders", 8)
