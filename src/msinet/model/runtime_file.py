"""The file of a network that a runtime reads: exported, or made by others. Imports no torch."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from msinet.errors import ModelError
from msinet.files.os_errors import in_words
from msinet.files.paths import user_path

RUNTIMES = {"onnx": "ONNX Runtime", "openvino": "OpenVINO", "torch": "PyTorch"}
"""Runtimes by what stands before the colon."""

SUFFIXES = {".onnx": "onnx", ".xml": "openvino", ".pt2": "torch"}
"""Runtimes by the suffix of their files."""

IN_FOLDER = "model.xml"
"""Name of OpenVINO's file in the folder that an export writes."""

BLOCK = 1 << 20
"""Bytes that are hashed at a time."""


@dataclass(frozen=True)
class RuntimeFile:
    """A file, and the runtime that reads it."""

    runtime: str
    """Key of `RUNTIMES`."""
    path: Path

    @classmethod
    def named(cls, name: str | Path) -> "RuntimeFile | None":
        """Return what a name means; None where it is that of a model of msinet.

        Args:
            name: FILE.onnx, FILE.xml, FILE.pt2, a folder with model.xml, or RUNTIME:FILE for a file of any suffix.
        """
        runtime, colon, path = str(name).partition(":")
        if colon and runtime in RUNTIMES:
            return cls(runtime, user_path(path))
        path = user_path(name)
        if path.suffix in SUFFIXES and not path.is_dir():
            return cls(SUFFIXES[path.suffix], path)
        return cls("openvino", path / IN_FOLDER) if (path / IN_FOLDER).is_file() else None

    def __str__(self) -> str:
        return f"{self.runtime}:{self.path}"

    def absolute(self) -> "RuntimeFile":
        """Return the same file, named independently of the working directory."""
        return RuntimeFile(self.runtime, self.path.absolute())  # The description stands beside a link, not its target.

    @property
    def description(self) -> Path:
        """The file that says what a network of others expects of its images."""
        return self.path.with_suffix(".pixels.json")

    @property
    def parts(self) -> list[Path]:
        """The file and, where they are kept apart, its weights: those of OpenVINO's .xml, those of large ONNX files."""
        beside = [self.path.with_suffix(".bin")] if self.path.suffix == ".xml" else [Path(f"{self.path}.data")]
        return [self.path, *(path for path in beside if path.is_file())]

    def fingerprint(self) -> str:
        """Return a short hash of all parts.

        Raises:
            ModelError: a part cannot be read.
        """
        digest = hashlib.sha256()
        for path in self.parts:
            try:
                with path.open("rb") as file:
                    while block := file.read(BLOCK):
                        digest.update(block)
            except OSError as error:
                raise ModelError(f"cannot read {path}: {in_words(error)}") from error
        return digest.hexdigest()[:16]
