"""The runtimes of foreign networks: ONNX Runtime and OpenVINO, on the processor, in float32."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msinet.errors import MissingExtraError, ModelError
from msinet.files.contents import HEAD, not_usable
from msinet.model.foreign.file import RUNTIMES, ForeignFile

EXTRA = "rivals"


@dataclass(frozen=True)
class Input:
    """An input of a network."""

    shape: tuple[int | None, ...]
    """Length of each axis; None where any is taken."""
    kind: str
    """Type of its numbers, as the runtime calls it."""
    dtype: type[np.floating] | None
    """The same as numpy's; None for types that are no floating-point numbers."""


@dataclass(frozen=True)
class Opened:
    """A network that a runtime has read."""

    inputs: tuple[Input, ...]
    outputs: int
    """Number of outputs."""
    run: Callable[[np.ndarray], np.ndarray]
    """Maps the only input to the first output."""
    version: str
    """Version of the runtime."""


def open_foreign(file: ForeignFile, threads: int) -> Opened:
    """Read a network by its runtime.

    Args:
        file: the file and its runtime.
        threads: number of threads that it computes with.

    Raises:
        ModelError: the file is missing, damaged or of something else.
        MissingExtraError: the runtime is not installed.
    """
    if not file.path.exists():
        raise ModelError(f"no model in {file.path}: there is no such file")
    advice = f"pass a file that {RUNTIMES[file.runtime]} reads, with the files that belong to it beside it"
    if file.path.is_dir() or (file.path.suffix == ".xml" and not _is_openvino(file.path)):
        raise ModelError(not_usable(file.path, advice))
    try:
        return OPENERS[file.runtime](file.path, threads)
    except (MissingExtraError, ModelError):
        raise
    except Exception as error:  # ONNX Runtime's own derive from nothing else.
        why = (str(error).strip().splitlines() or [repr(error)])[-1]
        raise ModelError(f"{RUNTIMES[file.runtime]} cannot read {file.path} ({why}): {advice}") from error


def _is_openvino(path: Path) -> bool:
    """Return whether an XML file begins as OpenVINO's do: of others, its frontends print a page of guesses."""
    with path.open("rb") as file:
        return b"<net" in file.read(HEAD)


def _open_onnx(path: Path, threads: int) -> Opened:
    try:
        import onnxruntime  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("onnxruntime", EXTRA) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    types = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
    inputs = tuple(
        Input(tuple(one if isinstance(one, int) else None for one in each.shape), each.type, types.get(each.type))
        for each in session.get_inputs()
    )
    names = [each.name for each in session.get_inputs()]
    outputs = [each.name for each in session.get_outputs()]
    return Opened(
        inputs,
        len(outputs),
        lambda images: np.asarray(session.run(outputs[:1], {names[0]: images})[0]),
        onnxruntime.__version__,
    )


def _open_openvino(path: Path, threads: int) -> Opened:
    try:
        import openvino  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("openvino", EXTRA) from error
    # Processors with bf16 would else compute with it, and their scores would not be those of others.
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(path), "CPU", options)
    types = {"f32": np.float32, "f16": np.float16}
    inputs = []
    for each in compiled.inputs:
        kind = each.element_type.get_type_name()
        shape = tuple(one.get_length() if one.is_static else None for one in each.partial_shape)
        inputs.append(Input(shape, kind, types.get(kind)))
    return Opened(tuple(inputs), len(compiled.outputs), lambda images: np.array(compiled([images])[0]), openvino.__version__)


OPENERS: dict[str, Callable[[Path, int], Opened]] = {"onnx": _open_onnx, "openvino": _open_openvino}
"""What reads a file, by the runtime's key."""
