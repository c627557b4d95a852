"""Which machine a work is given: PyTorch is loaded for its own networks, for a GPU and for several processes."""

import sys

import pytest
from tests.onnx_file import write_mean_colour

from msinet.deploy.predictor import Predictor
from msinet.engine.alone import Alone
from msinet.engine.machine import Machine
from msinet.engine.opening import open_machine
from msinet.engine.settings import MachineSettings
from msinet.errors import MissingExtraError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at

ON_CPU = MachineSettings(device="cpu")


@pytest.fixture(scope="module")
def network() -> MSINet:
    return MSINet(Architecture.random(7), 4, channels_at(0.25), (32, 32))


@pytest.fixture(scope="module")
def predictor(tmp_path_factory) -> Predictor:
    return Predictor(write_mean_colour(tmp_path_factory.mktemp("opening") / "colour.onnx"))


@pytest.fixture
def without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "msinet.engine.machine")


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_predictors_are_alone(predictor, device):
    assert isinstance(open_machine(MachineSettings(device=device), [predictor, predictor]), Alone)


def test_a_network_of_pytorch_has_a_machine_beside_predictors_too(network, predictor):
    assert isinstance(open_machine(ON_CPU, [predictor, network]), Machine)


def test_ranking_has_a_machine_where_pytorch_is_installed():
    assert isinstance(open_machine(ON_CPU), Machine)


def test_ranking_is_alone_where_pytorch_is_missing(without_torch):
    assert isinstance(open_machine(ON_CPU), Alone)


@pytest.mark.parametrize(("device", "processes"), [("cuda", "1"), ("cuda:1", "1"), ("auto", "2")])
def test_a_gpu_and_several_processes_need_pytorch(without_torch, predictor, monkeypatch, device, processes):
    monkeypatch.setenv("WORLD_SIZE", processes)
    for networks in ([], [predictor]):
        with pytest.raises(MissingExtraError, match=r'torch is missing: pip install "msinet\[train\]"'):
            open_machine(MachineSettings(device=device), networks)
