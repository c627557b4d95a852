"""Times of exported networks: what is timed, and what its times depend on."""

import sys

import pytest
import torch
from tests.heard import Heard

from msinet.deploy import timing
from msinet.deploy.timing import PACKAGES, exported_times, timing_on
from msinet.errors import MissingExtraError
from msinet.model.msinet import latencies
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.latencies import BY_PYTORCH
from msinet.model.msinet.network import MSINet
from msinet.progress import listen


def require(runtime: str) -> None:
    for package, extra in PACKAGES[runtime].items():
        pytest.importorskip(package, reason=f'{package} is missing: pip install "msinet[{extra}]"')


@pytest.mark.long
@pytest.mark.parametrize("runtime", PACKAGES)
def test_a_real_export_is_timed(monkeypatch, runtime):
    require(runtime)
    opened, threads_given = [], []
    monkeypatch.setattr(latencies, "ROUNDS", 2)

    def open_file(file, threads):
        opened.append(real(file, threads))
        threads_given.append((file.runtime, threads))
        return opened[-1]

    real = timing.open_file
    monkeypatch.setattr(timing, "open_file", open_file)
    network = MSINet.build(1, (32, 32), 0.25, Architecture.find("all:none:1,1x1"))
    with listen(heard := Heard()):
        times = exported_times(runtime, [network], threads=1, seconds=0)
    assert times.shape == (1,)
    assert times.dtype == torch.float64
    assert 0 < times.item() < 10_000
    assert threads_given == [(runtime, 1)]
    assert '"precision": "fp32"' in opened[0].metadata
    assert heard.begun == [(f"export to {timing.RUNTIMES[runtime]}", 1, 0)]


@pytest.mark.parametrize("runtime", PACKAGES)
def test_times_depend_on_the_packages_that_export_and_run(monkeypatch, runtime):
    require(runtime)
    conditions = timing_on(runtime).conditions
    package = next(iter(PACKAGES[runtime]))
    monkeypatch.setattr(sys.modules[package], "__version__", "0.0.1")
    assert timing_on(runtime).conditions == {**conditions, package: "0.0.1"} != conditions


def test_without_an_export_pytorch_times():
    assert timing_on("torch") is BY_PYTORCH


@pytest.mark.parametrize("runtime", PACKAGES)
def test_a_missing_package_is_named_before_anything_is_timed(monkeypatch, runtime):
    *_, (package, extra) = PACKAGES[runtime].items()
    require(runtime)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package} is missing: .*msinet\[{extra}\]"):
        timing_on(runtime)
