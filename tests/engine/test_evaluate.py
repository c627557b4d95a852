import pytest

from msinet.engine.embed import embed
from msinet.engine.evaluate import evaluate, evaluate_among, prepare_splits
from msinet.engine.machine import Machine
from msinet.engine.settings import MachineSettings
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.scoring import evaluate_embeddings
from msinet.evaluation.settings import ScoringSettings
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at


@pytest.fixture(scope="module")
def network():
    return MSINet(Architecture.named("veri776"), 3, channels_at(0.25), (32, 48)).eval()


@pytest.fixture(scope="module")
def machine():
    return Machine(MachineSettings(device="cpu", precision="fp32"))


def test_a_result_says_what_was_scored_and_with_what(network, machine, make_splits):
    splits = make_splits()
    result = evaluate(network, splits, scoring=ScoringSettings(flip=True), machine=machine, camera_pairs=True)
    record, evidence = result.record, result.evidence
    assert (record.data.name, record.data.fingerprint) == (splits.name, splits.fingerprint())
    assert record.model.arguments["architecture"] == network.architecture.to_dict()
    assert (record.model.kind, record.model.weights) == ("msinet", network.fingerprint())
    assert record.scoring.flip
    assert (record.machine.device, record.machine.precision) == ("cpu", "fp32")
    assert {"msinet", "torch", "python"} <= set(record.versions)
    assert len(evidence.roc.points) == 3
    assert {ranking.group for ranking in evidence.rankings} == {"best", "median", "worst"}
    assert [(pair.query_camera, pair.gallery_camera) for pair in evidence.camera_pairs] == [("c0", "c1"), ("c1", "c0")]


def test_scores_are_those_of_the_embeddings(network, machine, make_splits):
    splits = make_splits()
    embeddings = embed(network, splits.gallery, machine)
    alone = evaluate_embeddings(embeddings.of(splits.query), embeddings)
    result = evaluate(network, splits, machine=machine)
    assert result.scores == alone.scores
    assert (result.evidence.roc, result.evidence.similarities) == (alone.evidence.roc, alone.evidence.similarities)
    assert evaluate_among(network, splits.gallery, machine).scores == alone.scores


def test_nothing_to_score_is_an_error(network, make_splits):
    with pytest.raises(DatasetError, match="nothing to score"):
        evaluate(network, make_splits(test=0))


def test_what_cannot_be_scored_is_known_beforehand(make_splits):
    splits = make_splits()
    assert prepare_splits(splits).protocol.name == "market"
    with pytest.raises(SettingsError, match="protocol is 'marked'"):
        prepare_splits(splits, protocol="marked")
    with pytest.raises(SettingsError, match="task is '800': the test sizes of painted are ''"):
        prepare_splits(splits, "800")


def test_the_first_size_is_the_one_that_stands_for_the_dataset(network, machine, sized):
    result = evaluate(network, sized, machine=machine)
    assert (result.task, result.protocol, result.gallery) == ("3", "vehicleid", 3)
    assert result.evidence.rankings == ()


def test_a_size_can_be_named(network, machine, sized):
    result = evaluate(network, sized, "market", machine=machine, task="6")
    assert (result.task, result.protocol, result.gallery) == ("6", "market", 24)


def test_a_file_of_draws_is_only_read_where_nothing_is_to_be_added(network, machine, sized, tmp_path):
    file = tmp_path / "draws.json"
    before = evaluate(network, sized, machine=machine, draws=file)
    written = file.stat().st_mtime_ns
    after = evaluate(network, sized, machine=machine, draws=file)
    assert file.stat().st_mtime_ns == written
    assert (after.scores, after.evidence.draws) == (before.scores, before.evidence.draws)
