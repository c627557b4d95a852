"""Networks as OpenVINO has compiled them, kept in the user's cache: the next start takes a third of the time."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msinet.errors import FileError
from msinet.files.atomic import write_atomically
from msinet.files.caches import cache_folder
from msinet.model.runtime_file import RuntimeFile
from msinet.processor import instructions

LARGEST = 256 * 2**20
"""Bytes that all of them may take together; those that were not used for the longest time go first."""


def compiled(core: Any, model: Any, options: Mapping[str, object], file: RuntimeFile | None) -> Any:
    """Return a network compiled for this processor, from the cache where that has it.

    Only files of OpenVINO are kept: weights of an ONNX file may lie in files of any name, whose change would go unnoticed.

    Args:
        core: openvino.Core.
        model: openvino.Model.
        options: of the compilation.
        file: what the model was read from; None to keep nothing of it.
    """
    folder = cache_folder()
    if folder is None or file is None or file.path.suffix != ".xml":
        return core.compile_model(model, "CPU", options)
    runtime = core.get_versions("CPU")["CPU"].build_number
    facts = (file.fingerprint(), runtime, instructions(), sorted(options.items()))
    kept = folder / "compiled" / f"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}.blob"
    if content := _read(kept):
        with suppress(RuntimeError):  # What OpenVINO cannot read, it compiles.
            return core.import_model(content, "CPU", options)
    made = core.compile_model(model, "CPU", options)
    with suppress(FileError, RuntimeError):  # A read-only home, a full disk: compiled again the next time.
        _write(kept, made.export_model().getvalue())
    return made


def _read(kept: Path) -> bytes:
    """Return what was written, empty where that is missing or damaged: OpenVINO trusts what it imports."""
    try:
        content = kept.read_bytes()
        kept.touch()  # It was used today.
    except OSError:
        return b""
    whole, content = content[:32], content[32:]
    return content if hashlib.sha256(content).digest() == whole else b""


def _write(kept: Path, content: bytes) -> None:
    """Write a compiled network, and remove those that were not used for the longest time where all are too large."""
    write_atomically(kept, hashlib.sha256(content).digest() + content, synced=False)
    taken = 0
    with suppress(OSError):  # Another process removes the same.
        for path in sorted(kept.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True):
            taken += path.stat().st_size
            if taken > LARGEST and path != kept:
                path.unlink()
