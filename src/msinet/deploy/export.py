"""Export: a network to a file of ONNX, OpenVINO or torch.export, in one of four precisions."""

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from msinet.deploy.exported_facts import ExportedFacts
from msinet.deploy.formats import require_pair
from msinet.deploy.graph import Graph
from msinet.deploy.runtimes import METADATA
from msinet.errors import FileError, MissingExtraError, ModelError, SettingsError
from msinet.files.os_errors import in_words
from msinet.model.cards import Card
from msinet.model.network import Network
from msinet.model.runtime_file import IN_FOLDER, RuntimeFile

NAMES = ("vectors", "last_map")
"""Names of the outputs."""

Check = Callable[[RuntimeFile], None]
"""Looks at a file before it takes its place, and raises where it is not good enough."""


def export_to(
    network: Network,
    card: Card,
    out: Path,
    to: str = "onnx",
    precision: str = "fp32",
    last_map: bool = False,
    calibration: np.ndarray | None = None,
    check: Check | None = None,
) -> RuntimeFile:
    """Write a network to a file that a runtime reads. Nothing is written where something fails.

    The input is (B, H, W, 3) uint8, RGB, of any batch size; the first output vectors (B, D) of unit length.

    Args:
        network: the network.
        card: what is known about it; it becomes part of the file.
        out: file to write; for OpenVINO, a folder.
        to: onnx, openvino or torch.
        precision: fp32; fp16, which stores the weights at half the size; bf16, which also computes so; int8.
        last_map: write the last map as a second output.
        calibration: (N, H, W, 3) uint8, images that the ranges of int8 are found by.
        check: is given the file before it takes its place.

    Raises:
        SettingsError: the pair of format and precision does not work.
        MissingExtraError: a package for the format is missing.
        ModelError: the network cannot be exported, or `check` refuses it.
        FileError: the file cannot be written.
    """
    require_pair(to, precision)
    if precision == "int8" and calibration is None:
        raise SettingsError("precision int8 needs images that it is calibrated with", "precision")
    facts = ExportedFacts(card, precision, network.embedding_dim)
    with _beside(out) as folder:
        made = WRITERS[to](Graph(network, last_map), facts, folder, calibration)
        if check:
            check(RuntimeFile(to, made))
        if to != "openvino":
            made.replace(out)
            return RuntimeFile(to, out)
        out.mkdir(exist_ok=True)
        (out / IN_FOLDER).unlink(missing_ok=True)  # At no time do old structure and new weights stand side by side.
        for part in sorted(made.parent.iterdir(), key=lambda part: part.suffix == made.suffix):
            part.replace(out / part.name)
    return RuntimeFile(to, out / IN_FOLDER)


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """Make a folder beside a file for what is not finished, and remove it at the end; each process has its own."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f"{out.name}.unfinished-", dir=out.parent, ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    except OSError as error:
        raise FileError(f"cannot write {out}: {in_words(error, writing=True)}") from error


def _program(graph: Graph) -> torch.export.ExportedProgram:
    """Return a graph as torch.export sees it, for batches of any size."""
    height, width = graph.network.image_size
    images = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    try:
        return torch.export.export(graph.eval(), (images,), dynamic_shapes={"images": {0: torch.export.Dim.DYNAMIC}})
    except Exception as error:  # torch.export's own are many, and of a network of any kind.
        why = (str(error).strip().splitlines() or [repr(error)])[0]
        raise ModelError(f"a network {graph.network.kind} cannot be exported: {why}") from error


def _write_torch(graph: Graph, facts: ExportedFacts, folder: Path, calibration: np.ndarray | None) -> Path:
    file = folder / "model.pt2"
    torch.export.save(_program(graph), file, extra_files={f"{METADATA}.json": facts.to_json()})
    return file


def _write_onnx(graph: Graph, facts: ExportedFacts, folder: Path, calibration: np.ndarray | None) -> Path:
    file = folder / "model.onnx"
    try:
        import onnx  # pyright: ignore[reportMissingImports]
        import onnxscript  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError(str(error.name), "export") from error
    outputs = NAMES if graph.last_map else NAMES[:1]
    with _quiet():
        program = torch.onnx.export(_program(graph), (), None, input_names=["images"], output_names=outputs, verbose=False)
    assert program is not None
    model = program.model_proto
    if facts.precision == "fp16":
        from msinet.deploy.half_weights import halve_weights

        halve_weights(model)
    if facts.precision == "int8" and calibration is not None:
        from msinet.deploy.quantization import quantize_onnx

        with _quiet():
            model = quantize_onnx(model, calibration)
    model.metadata_props.add(key=METADATA, value=facts.to_json())
    onnx.save(model, file)
    return file


def _write_openvino(graph: Graph, facts: ExportedFacts, folder: Path, calibration: np.ndarray | None) -> Path:
    try:
        import openvino  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("openvino", "openvino") from error
    model = openvino.convert_model(_program(graph))
    model.inputs[0].get_node().set_friendly_name("images")
    for output, name in zip(model.outputs, NAMES, strict=False):
        output.get_tensor().set_names({name})
    if facts.precision == "int8" and calibration is not None:
        from msinet.deploy.quantization import quantize_openvino

        with _quiet():
            model = quantize_openvino(model, calibration)
    model.set_rt_info(facts.to_json(), METADATA)
    file = folder / IN_FOLDER
    openvino.save_model(model, str(file), compress_to_fp16=facts.precision in ("fp16", "bf16"))
    return file


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what exporters say about themselves, and their bars, from the user."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


WRITERS: dict[str, Callable[[Graph, ExportedFacts, Path, np.ndarray | None], Path]] = {
    "onnx": _write_onnx,
    "openvino": _write_openvino,
    "torch": _write_torch,
}
"""What writes a format into a folder."""
