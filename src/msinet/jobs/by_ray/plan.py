"""The plan of embedding a table in parts: which rows a part has, which file it becomes, which parts are missing."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from msinet.errors import FileError
from msinet.files.os_errors import in_words
from msinet.jobs.by_ray.places import Place
from msinet.jobs.by_ray.table import RayTable
from msinet.model.runtime_file import RuntimeFile

FORMAT = 1
"""Format number of the plan."""

PLAN = "plan.json"
SUFFIX = ".parquet"


@dataclass(frozen=True)
class RayPlan:
    """A table cut by the positions of its rows, and the folder that its parts are written to."""

    table: RayTable
    out: Place
    runtime: str
    """Key of the runtime that reads the model."""
    model: str
    """Name of the model's file, of which `out` has a copy in the folder model."""
    rows_per_part: int

    @property
    def parts(self) -> int:
        """Number of parts."""
        return -(-len(self.table) // self.rows_per_part)

    def rows_of(self, part: int) -> tuple[int, int]:
        """Return the first row of a part, and the one behind its last."""
        start = part * self.rows_per_part
        return start, min(start + self.rows_per_part, len(self.table))

    def count(self, part: int) -> int:
        """Return the number of rows of a part."""
        start, stop = self.rows_of(part)
        return stop - start

    def file_of(self, part: int) -> Place:
        """Return the file that a part becomes."""
        return self.out / f"part-{part:06d}{SUFFIX}"

    def unreadable_of(self, part: int) -> Place:
        """Return the file that names the unreadable images of a part; it is written before the part."""
        return self.out / "unreadable" / f"part-{part:06d}{SUFFIX}"

    @property
    def model_folder(self) -> Place:
        """The folder with the copy of the model, which every machine sees."""
        return self.out / "model"

    def begin(self, file: RuntimeFile) -> list[int]:
        """Write the plan and the copy of the model, or check those that are there; return the parts that are missing.

        Raises:
            FileError: the folder holds embeddings of another table or model, or cannot be used.
        """
        contents = contents_of(file)
        facts = self._facts(contents)
        try:
            there = self.out.names()
            if PLAN in there:
                self._require_same(facts, (self.out / PLAN).read())
            elif any(name.endswith(SUFFIX) for name in there):
                raise FileError(f"{self.out} has Parquet files and no {PLAN}: choose an empty folder for out", "out")
            copied = self.model_folder.names()
            for name, content in contents.items():
                if name not in copied:
                    (self.model_folder / name).write(content)
            if PLAN not in there:
                (self.out / PLAN).write(json.dumps(facts, indent=1).encode())
            self._remove_unfinished()
        except OSError as error:
            raise FileError(f"cannot use {self.out}: {in_words(error)}", "out") from error
        return [part for part in range(self.parts) if self.file_of(part).path.rpartition("/")[2] not in there]

    def _facts(self, contents: dict[str, bytes]) -> dict[str, Any]:
        digest = hashlib.sha256()
        for content in contents.values():
            digest.update(content)
        return {
            "format": FORMAT,
            "table": self.table.fingerprint,
            "rows": len(self.table),
            "model": digest.hexdigest()[:16],
            "rows_per_part": self.rows_per_part,
        }

    def _require_same(self, facts: dict[str, Any], written: bytes) -> None:
        try:
            before = dict(json.loads(written))
        except ValueError as error:
            raise FileError(f"{self.out / PLAN} is damaged: choose another folder for out", "out") from error
        words = {"table": "another table", "rows": "another table", "model": "another model"}
        for key, value in facts.items():
            if before.get(key) != value:
                what = words.get(key, f"{key} {before.get(key)}")
                raise FileError(f"{self.out} was begun with {what}: pass the same, or choose another folder for out", "out")

    def _remove_unfinished(self) -> None:
        """Remove what killed writers left."""
        for folder in (self.out, self.out / "unreadable", self.model_folder):
            for name in folder.names():
                if f"{SUFFIX}." in name or name.endswith(".unfinished"):
                    (folder / name).remove()


def contents_of(file: RuntimeFile) -> dict[str, bytes]:
    """Return the content of a model's files, by their names.

    Raises:
        FileError: one cannot be read.
    """
    description = [file.description] if file.description.is_file() else []
    try:
        return {path.name: path.read_bytes() for path in (*file.parts, *description)}
    except OSError as error:
        raise FileError(f"cannot read {file.path}: {in_words(error)}") from error
