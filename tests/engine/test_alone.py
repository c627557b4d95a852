"""The machine without PyTorch gives what the machine of one process gives."""

import pytest
from tests.onnx_file import write_mean_colour

from msinet.deploy.predictor import Predictor
from msinet.engine.alone import Alone
from msinet.engine.embed import embed
from msinet.engine.evaluate import evaluate
from msinet.engine.machine import Machine
from msinet.engine.settings import MachineSettings
from msinet.evaluation.record import MachineFacts
from msinet.evaluation.settings import ScoringSettings
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at
from msinet.sharing import share_of


@pytest.fixture(scope="module")
def predictor(tmp_path_factory) -> Predictor:
    return Predictor(write_mean_colour(tmp_path_factory.mktemp("alone") / "colour.onnx"))


@pytest.mark.parametrize("rerank", [False, True])
def test_scores_are_those_of_a_machine(predictor, make_splits, rerank):
    splits, scoring = make_splits(), ScoringSettings(rerank=rerank)
    alone, together = (
        evaluate(predictor, splits, scoring=scoring, machine=machine, camera_pairs=True)
        for machine in (Alone(), Machine(MachineSettings(device="cpu")))
    )
    assert (alone.scores, alone.evidence) == (together.scores, together.evidence)


def test_it_describes_itself_as_a_machine_does():
    facts = MachineFacts(**Alone().describe())
    assert (facts.device, facts.precision, facts.processes) == ("cpu", "fp32", 1)
    assert facts.threads >= 1
    assert facts.processor.split()[0] == Machine(MachineSettings(device="cpu")).describe()["processor"].split()[0]


def test_its_share_is_all_and_what_it_gathers_its_own():
    machine = Alone(MachineSettings(workers=3))
    assert machine.workers == 3
    assert list(range(7))[machine.share(7)] == list(range(7))
    assert machine.gather_objects(["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize(("count", "shares"), [(0, 3), (2, 5), (7, 3), (100, 7)])
def test_shares_are_all_of_it_and_nearly_equal(count, shares):
    things = list(range(count))
    parts = [things[share_of(count, which, shares)] for which in range(shares)]
    assert [thing for part in parts for thing in part] == things
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_network_of_pytorch_is_not_embedded_by_it():
    network = MSINet(Architecture.random(7), 4, channels_at(0.25), (32, 32))
    with pytest.raises(TypeError, match="needs a Machine"):
        embed(network, [], Alone())
