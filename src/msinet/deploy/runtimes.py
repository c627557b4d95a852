"""The runtimes that networks in files run by: ONNX Runtime, OpenVINO and PyTorch, on the processor."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

import numpy as np

from msinet.deploy.compiled import compiled
from msinet.deploy.own_thread import in_own_thread
from msinet.errors import MissingExtraError, ModelError
from msinet.extras import extras_named
from msinet.files.contents import HEAD, not_usable
from msinet.model.runtime_file import RUNTIMES, RuntimeFile

METADATA = "msinet"
"""Key of the card in a file's own metadata."""

TYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
    "f32": np.float32,
    "f16": np.float16,
    "u8": np.uint8,
}
"""Types of numbers, by what the runtimes call them."""


@dataclass(frozen=True)
class Input:
    """An input of a network."""

    shape: tuple[int | None, ...]
    """Length of each axis; None where any is taken."""
    kind: str
    """Type of its numbers, as the runtime calls it."""
    dtype: type[np.generic] | None
    """The same as numpy's; None for other types than `TYPES`."""


@dataclass(frozen=True)
class Opened:
    """A network that a runtime has read."""

    inputs: tuple[Input, ...]
    outputs: int
    """Number of outputs."""
    run: Callable[[np.ndarray], Sequence[np.ndarray]]
    """Maps the only input to all outputs."""
    version: str
    """Version of the runtime."""
    metadata: str = ""
    """What an export wrote into the file about the network; empty in files of others."""
    streams: int = 1
    """Number of threads that may call `run` at the same time."""


def open_file(file: RuntimeFile, threads: int, streams: int = 1, keep: bool = False) -> Opened:
    """Read a network by its runtime.

    Args:
        file: the file and its runtime.
        threads: number of threads that it computes with; 0 for as many as the runtime wants.
        streams: number of batches that OpenVINO computes at the same time, which share the threads; 0 for as many as it
            wants. The other runtimes compute one: two of theirs were no faster.
        keep: keep in the user's cache what OpenVINO compiles, and take it from there.

    Raises:
        ModelError: the file is missing, damaged or of something else.
        MissingExtraError: the runtime is not installed.
    """
    if not file.path.exists():
        raise ModelError(f"no model in {file.path}: there is no such file")
    advice = f"pass a file that {RUNTIMES[file.runtime]} reads, with the files that belong to it beside it"
    if file.path.is_dir() or (file.path.suffix == ".xml" and not _is_openvino(file.path)):
        raise ModelError(not_usable(file.path, advice))
    if file.path.suffix == ".onnx" and not is_whole_message(file.path):
        raise ModelError(f"cannot read {file.path}: it is no ONNX file, or damaged or cut off: {advice}")
    try:
        return OPENERS[file.runtime](file, threads, streams, keep)
    except (MissingExtraError, ModelError):
        raise
    except Exception as error:  # ONNX Runtime's own derive from nothing else.
        why = (str(error).strip().splitlines() or [repr(error)])[-1]
        raise ModelError(f"{RUNTIMES[file.runtime]} cannot read {file.path} ({why}): {advice}") from error


def _is_openvino(path: Path) -> bool:
    """Return whether an XML file begins as OpenVINO's do: of others, its frontends print a page of guesses."""
    with path.open("rb") as file:
        return b"<net" in file.read(HEAD)


def is_whole_message(path: Path) -> bool:
    """Return whether a file is a message of protocol buffers with an end, as ONNX files are, by the lengths of its fields.

    Of other files OpenVINO's frontend prints the bytes, whatever they do to a terminal.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        while file.tell() < size:
            tag = _number(file)
            kind = tag & 7
            length = {0: 0, 1: 8, 5: 4}.get(kind)
            if tag >> 3 == 0 or (kind != 2 and length is None):
                return False
            number = _number(file) if kind in (0, 2) else 0
            if number < 0 or file.seek(number if kind == 2 else length or 0, os.SEEK_CUR) > size:
                return False
    return size > 0


def _number(file: BinaryIO) -> int:
    """Read a number of protocol buffers, seven bits a byte; -1 where there is none."""
    number = 0
    for place in range(10):
        byte = file.read(1)
        if not byte:
            return -1
        number |= (byte[0] & 127) << 7 * place
        if byte[0] < 128:
            return number
    return -1


def _open_onnx(file: RuntimeFile, threads: int, streams: int, keep: bool) -> Opened:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file.path), options, providers=["CPUExecutionProvider"])
    inputs = tuple(
        Input(tuple(one if isinstance(one, int) else None for one in each.shape), each.type, TYPES.get(each.type))
        for each in session.get_inputs()
    )
    names, outputs = [each.name for each in session.get_inputs()], [each.name for each in session.get_outputs()]
    return Opened(
        inputs,
        len(outputs),
        lambda images: [np.asarray(found) for found in session.run(outputs, {names[0]: images})],
        onnxruntime.__version__,
        session.get_modelmeta().custom_metadata_map.get(METADATA, ""),
    )


def _open_openvino(file: RuntimeFile, threads: int, streams: int, keep: bool) -> Opened:
    try:
        import openvino  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("openvino", "openvino") from error
    core = openvino.Core()
    model = core.read_model(str(file.path))
    metadata = str(model.get_rt_info(METADATA).astype(str)) if model.has_rt_info(METADATA) else ""
    # Processors with bf16 would else compute floats with it, and their scores would not be those of others.
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "bf16" if _is_rounded(metadata) else "f32"}
    options |= {"NUM_STREAMS": streams} if streams else {"PERFORMANCE_HINT": "THROUGHPUT"}
    network = in_own_thread(compiled, core, model, options, file if keep else None)
    inputs = []
    for each in model.inputs:
        kind = each.element_type.get_type_name()
        shape = tuple(one.get_length() if one.is_static else None for one in each.partial_shape)
        inputs.append(Input(shape, kind, TYPES.get(kind)))
    count, free = len(model.outputs), SimpleQueue()
    at_once = int(network.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
    for _ in range(at_once):
        free.put(network.create_infer_request())

    def run(images: np.ndarray) -> list[np.ndarray]:
        request = free.get()
        try:
            found = request.infer([images])
            return [np.array(found[number]) for number in range(count)]
        finally:
            free.put(request)

    return Opened(tuple(inputs), count, run, openvino.__version__, metadata, at_once)


def _is_rounded(metadata: str) -> bool:
    """Return whether floats of an export may be computed in bf16; what the metadata say of the training does not count."""
    try:
        return json.loads(metadata)["precision"] in ("bf16", "int8")
    except (ValueError, KeyError, TypeError):  # Of others, or damaged: whoever reads the facts says so.
        return False


def _open_torch(file: RuntimeFile, threads: int, streams: int, keep: bool) -> Opened:
    with extras_named():
        from msinet.deploy.exported_program import open_program
    return open_program(file.path, threads)


OPENERS: dict[str, Callable[[RuntimeFile, int, int, bool], Opened]] = {
    "onnx": _open_onnx,
    "openvino": _open_openvino,
    "torch": _open_torch,
}
"""What reads a file, by the runtime's key."""
