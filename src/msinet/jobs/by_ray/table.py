"""The table of images that a cluster embeds: Parquet, read by positions of rows."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from msinet.errors import DatasetError, FileError, listed
from msinet.files.os_errors import in_words
from msinet.jobs.by_ray.places import Place

PATH = "path"
VECTORS = "vectors"
"""Column that a part has besides those of the table; other commands read it under this name."""


@dataclass(frozen=True)
class RayTable:
    """A Parquet file, or the Parquet files of a folder in the order of their names."""

    files: tuple[Place, ...]
    counts: tuple[int, ...]
    """Number of rows of each file."""
    folder: Place
    """What paths of images are relative to."""
    columns: tuple[str, ...]
    path_column: str
    """The column `path`, as the table writes it."""
    fingerprint: str
    """Short hash of names, sizes, schemas, numbers of rows and statistics: of what a Parquet file says about itself."""

    @classmethod
    def open(cls, name: str) -> "RayTable":
        """Look at a table, without reading its rows.

        Args:
            name: a file or a folder, a local path or a URI.

        Raises:
            FileError: it cannot be read.
            DatasetError: it has no rows or no column path, or its columns cannot be used.
        """
        place = Place.of(name)
        try:
            if place.is_folder:
                folder, files = place, [place / one for one in sorted(place.names()) if one.endswith(".parquet")]
            else:
                folder, files = place.parent, [place]
        except OSError as error:
            raise FileError(f"cannot read {name}: {in_words(error)}") from error
        digest, counts, columns = hashlib.sha256(), [], []
        for file in files:
            count, there, footer = _look(file)
            digest.update(f"{file.path.rpartition('/')[2]} {count} {there}".encode() + footer)
            counts.append(count)
            columns.append(there)
        if not sum(counts):
            raise DatasetError(f"{name} has no rows: pass a Parquet file, or a folder of them, with a column path")
        if other := next((place for place, there in enumerate(columns) if there != columns[0]), None):
            raise DatasetError(f"{files[0]} and {files[other]} have different columns: write all files alike")
        path = _path_column(name, columns[0])
        names = tuple(column for column, _ in columns[0])
        return cls(tuple(files), tuple(counts), folder, names, path, digest.hexdigest()[:16])

    def __len__(self) -> int:
        return sum(self.counts)

    def read(self, start: int, stop: int) -> Any:
        """Return rows as a pyarrow.Table, its column of paths named `path`.

        Raises:
            FileError: they cannot be read.
        """
        import pyarrow

        parts, first = [], 0
        for file, count in zip(self.files, self.counts, strict=True):
            low, high = max(start - first, 0), min(stop - first, count)
            if low < high:
                parts.append(_rows(file, low, high))
            first += count
        rows = pyarrow.concat_tables(parts).replace_schema_metadata(None)
        return rows.rename_columns([PATH if name == self.path_column else name for name in self.columns])


@contextmanager
def _opened(file: Place) -> Iterator[Any]:
    """Open a Parquet file. Raises FileError where it cannot be read."""
    import pyarrow
    import pyarrow.parquet

    try:
        with file.system.open_input_file(file.path) as stream, pyarrow.parquet.ParquetFile(stream) as opened:
            yield opened
    except (pyarrow.ArrowException, OSError) as error:
        raise FileError(f"cannot read {file}: {in_words(error)}") from error


def _look(file: Place) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return the number of rows, names and types of the columns, and the end of a file: all that it says about itself."""
    with _opened(file) as opened:
        count, length = opened.metadata.num_rows, opened.metadata.serialized_size
        columns = [(one.name, f"{one.type}{'' if one.nullable else ' not null'}") for one in opened.schema_arrow]
    with file.system.open_input_file(file.path) as stream:
        size = stream.size()
        stream.seek(size - length - 8)  # Behind the footer stand its length and PAR1.
        return count, columns, f"{size}".encode() + stream.read()


def _path_column(name: str, columns: list[tuple[str, str]]) -> str:
    names = [column for column, _ in columns]
    found = [(column, kind) for column, kind in columns if column.strip().lower() == PATH]
    if not found:
        raise DatasetError(f"{name} has no column path. It has:{listed([repr(column) for column in names])}")
    column, kind = found[0]
    if not any(word in kind for word in ("string", "binary")) or kind.startswith(("list", "struct", "map")):
        raise DatasetError(f"path of {name} is {kind}: write the path of one image a row, as text")
    if len(found) > 1 or len(set(names)) < len(names):
        raise DatasetError(f"{name} has two columns of the same name:{listed([repr(column) for column in names])}")
    if VECTORS in names:
        raise DatasetError(f"{name} has a column {VECTORS}, which the embeddings need: rename it")
    return column


def _rows(file: Place, start: int, stop: int) -> Any:
    """Return rows of one file, of which no more than the groups that hold them are read."""
    with _opened(file) as opened:
        groups, first, before = [], 0, 0
        for group in range(opened.metadata.num_row_groups):
            after = first + opened.metadata.row_group(group).num_rows
            if first < stop and after > start:
                before = before if groups else first
                groups.append(group)
            first = after
        return opened.read_row_groups(groups).slice(start - before, stop - start)
