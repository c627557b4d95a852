"""The actor of a cluster that embeds parts of a table, one after another, and writes each as a Parquet file."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from msinet.data.pixels import in_threads
from msinet.deploy.predictor import Predictor
from msinet.errors import MSINetError
from msinet.jobs.by_ray.images import RayImages
from msinet.jobs.by_ray.places import Place
from msinet.jobs.by_ray.plan import RayPlan
from msinet.jobs.by_ray.table import PATH, VECTORS

AHEAD = 64
"""Files that are fetched ahead of the network."""


class RayPart:
    """Embeds parts with one thread of the runtime.

    Args:
        plan: the table, its parts and their folder.
        current: folder that the command was given in.
    """

    def __init__(self, plan: RayPlan, current: Path) -> None:
        self.plan = plan
        self.images = RayImages(plan.table.folder, current)

    def __call__(self, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Embed and write parts.

        Args:
            batch: part (B,), their numbers.

        Returns:
            part (B,); rows and unreadable (B,), images that were embedded and that could not be read; error (B,), the
            message of what stands in the way, empty without one. Exceptions would be written to the terminal by Ray.
        """
        results = [self._result(part) for part in batch["part"].tolist()]
        return {"part": batch["part"], **{name: np.array([one[name] for one in results]) for name in results[0]}}

    def _result(self, part: int) -> dict[str, int | str]:
        try:
            rows, unreadable = self.write(part)
        except MSINetError as error:
            return {"rows": 0, "unreadable": 0, "error": str(error)}
        return {"rows": rows, "unreadable": unreadable, "error": ""}

    @cached_property
    def predictor(self) -> Predictor:
        """The model's copy, read from a folder of this machine: runtimes read from a disk alone."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for name in self.plan.model_folder.names():
                (Path(folder) / name).write_bytes((self.plan.model_folder / name).read())
            return Predictor(f"{self.plan.runtime}:{Path(folder) / self.plan.model}", threads=1)

    def write(self, part: int) -> tuple[int, int]:
        """Embed a part and write it; return how many images were embedded, and how many could not be read.

        Raises:
            FileError: the table or an object store cannot be read, or the part cannot be written.
            ModelError: the model cannot be read.
            MissingExtraError: this machine lacks the model's runtime.
        """
        import pyarrow

        start, stop = self.plan.rows_of(part)
        rows = self.plan.table.read(start, stop)
        vectors, positions, reasons = self._embed(rows.column(PATH).to_pylist())
        unreadable = self.plan.unreadable_of(part)
        if reasons:
            left_out = sorted(reasons)
            named = rows.select([PATH]).take(left_out).append_column("reason", [[reasons[one] for one in left_out]])
            _write(named, unreadable)
        else:
            unreadable.remove()  # Of an earlier try, after which the images were mended and the part removed.
        embedded = rows.take(pyarrow.array(positions, pyarrow.int64()))
        column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), vectors.shape[1])
        _write(embedded.append_column(VECTORS, column), self.plan.file_of(part))
        return len(positions), len(reasons)

    def _embed(self, cells: Sequence[object]) -> tuple[np.ndarray, list[int], dict[int, str]]:
        """Return vectors (M, D), the positions of their images, and the reasons of the others by position."""
        reasons: dict[int, str] = {}
        fetched: list[int] = []

        def contents() -> Iterator[bytes]:
            for position, found in enumerate(in_threads(self.images.fetch, cells, AHEAD)):
                if isinstance(found, str):
                    reasons[position] = found
                else:
                    fetched.append(position)
                    yield found

        found = self.predictor.embed(contents())
        reasons |= {fetched[position]: reason for position, _, reason in found.left_out}
        return found.vectors, [fetched[position] for position in found.positions.tolist()], reasons


def _write(table: Any, place: Place) -> None:
    import pyarrow
    import pyarrow.parquet

    content = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, content)
    place.write(content.getvalue().to_pybytes())
