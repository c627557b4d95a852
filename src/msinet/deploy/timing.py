"""Times of networks in the form in which they will run: exported, in fp32, and run by ONNX Runtime or OpenVINO.

Costs fitted to 24 random networks of the space scales predicted others, on a quiet machine, with errors of 0.5 to 3 % in the
median and 2 to 7 % at most.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from torch import Tensor

from msinet.deploy.export import export_to
from msinet.deploy.runtimes import Opened, open_file
from msinet.errors import MissingExtraError
from msinet.model.model_files import card_of
from msinet.model.msinet.latencies import BY_PYTORCH, Timing, times_in_turns
from msinet.model.msinet.network import MSINet
from msinet.model.runtime_file import RUNTIMES
from msinet.progress import track

NETWORKS_PER_TERM = 1.5
"""Random networks for each cost that is fitted to their times: fewer than by PyTorch, as an export takes seconds."""

IN_ROW = 10
"""Runs of a network in a row in each round. With 3, OpenVINO took 6 to 10 % longer for networks in turns than for one
alone; with 10, the difference was 0 to 6 %."""

PACKAGES: dict[str, dict[str, str]] = {
    "onnx": {"onnxruntime": "export", "onnx": "export", "onnxscript": "export"},
    "openvino": {"openvino": "openvino"},
}
"""Packages that write and run an export, with the extras that bring them, by the runtime's key."""


def timing_on(runtime: str) -> Timing:
    """Return how networks are timed on a runtime: torch, onnx or openvino.

    Raises:
        MissingExtraError: a package for it is missing.
    """
    if runtime == "torch":
        return BY_PYTORCH
    conditions = {**BY_PYTORCH.conditions, **_versions(PACKAGES[runtime]), "precision": "fp32"}
    return Timing(RUNTIMES[runtime], conditions, partial(exported_times, runtime), NETWORKS_PER_TERM)


def exported_times(runtime: str, networks: Sequence[MSINet], threads: int, seconds: float) -> Tensor:
    """Return the milliseconds that each network takes as an export to embed one image, (N,) float64.

    Args:
        runtime: onnx or openvino.
        networks: the networks, of one image size.
        threads: number of threads that the runtime computes with.
        seconds: time for measuring, after all networks have been exported.

    Raises:
        MissingExtraError: a package for the runtime is missing.
        FileError: the temporary folder cannot be written.
    """
    image = np.random.default_rng(0).integers(0, 256, (1, *networks[0].image_size, 3), np.uint8)
    # A runtime may read weights from the file for as long as it is open, and some systems keep open files.
    with TemporaryDirectory(prefix="msinet-", ignore_cleanup_errors=True) as folder:
        bar = track(networks, f"export to {RUNTIMES[runtime]}")
        opened = [_opened(network, Path(folder) / str(number), runtime, threads) for number, network in enumerate(bar)]
        return times_in_turns([partial(one.run, image) for one in opened], seconds, IN_ROW)


def _opened(network: MSINet, out: Path, runtime: str, threads: int) -> Opened:
    """Export a network and open it."""
    return open_file(export_to(network, card_of(network), out, runtime), threads)


def _versions(packages: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of packages, by their names; packages: the extras that bring them."""
    found = {}
    for package, extra in packages.items():
        try:
            found[package] = import_module(package).__version__
        except ImportError as error:
            raise MissingExtraError(package, extra) from error
    return found
