"""What the loops need of the machine."""

import importlib.util
import platform
import resource

import pytest
import torch

from msinet.engine.machine import Machine, keep_freed_memory
from msinet.engine.settings import MachineSettings
from msinet.errors import SettingsError


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library here is not glibc")
def test_memory_that_a_step_frees_serves_the_next_step_without_new_pages():
    keep_freed_memory()
    numbers = 2**24  # 64 MB: the system would give it, and take it back, in pages of its own
    for _ in range(4):  # until glibc has a piece that also fits with its alignment
        torch.ones(numbers)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        torch.ones(numbers)
    pages = 4 * 4 * numbers // resource.getpagesize()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < pages / 2


def test_a_tracker_gets_the_curves(tmp_path):
    pytest.importorskip("tensorboard", reason="pip install msinet[track]")
    machine = Machine(MachineSettings(device="cpu"))
    with machine.tracker("tensorboard", "train", tmp_path) as log:
        log({"loss": 0.5}, 1)
    (events,) = (tmp_path / "msinet-train").glob("events.out.tfevents.*")
    assert b"loss" in events.read_bytes()


def test_a_tracker_that_cannot_write_a_name_is_an_error(tmp_path):
    """TensorBoard writes to names in UTF-8 alone."""
    pytest.importorskip("tensorboard", reason="pip install msinet[track]")
    with pytest.raises(SettingsError, match="its name is not UTF-8"):  # noqa: SIM117
        with Machine(MachineSettings(device="cpu")).tracker("tensorboard", "train", tmp_path / "r\udcb3n"):
            pass


def test_a_tracker_that_is_not_installed_is_an_error(tmp_path):
    if importlib.util.find_spec("mlflow"):
        pytest.skip("mlflow is installed here")
    with pytest.raises(SettingsError, match="tracker is mlflow, which is not installed"):  # noqa: SIM117
        with Machine(MachineSettings(device="cpu")).tracker("mlflow", "train", tmp_path):
            pass


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "tpu"])
def test_a_device_that_is_none_is_named(device):
    with pytest.raises(SettingsError, match=f"device is {device}"):
        Machine(MachineSettings(device=device))
