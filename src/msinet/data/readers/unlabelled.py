"""Images that nobody labelled: one file, a folder, a table without identities, a list of paths."""

from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path

from msinet.data.image_kinds import is_image_file
from msinet.data.readers import folders, table
from msinet.data.readers.detect import check_there, is_published, load
from msinet.data.readers.folder_tree import Leaf, walk
from msinet.data.readers.table_paths import TablePaths
from msinet.data.readers.table_rows import SUFFIXES, columns_of
from msinet.data.records import ImageRecord, ReidSplits, Skipped
from msinet.data.settings import DataSettings
from msinet.errors import DatasetError, listed
from msinet.files.paths import user_path

KINDS = "an image, a folder with images below it, or a CSV or Parquet file with a column path"


def load_for_embedding(path: str | PathLike[str], settings: DataSettings | None = None, labelled: bool = True) -> ReidSplits:
    """Read images to embed: a dataset with its labels, or images without labels, which are its `unlabelled` ones.

    A folder of folders and a table with a column identity are datasets, whose rows without an identity are unlabelled.

    Args:
        path: one image, a folder, or a table.
        settings: how a dataset is read; its images are not decoded here.
        labelled: False takes every image below a folder or in a table, and no labels.

    Raises:
        DatasetError: there is no image, or a dataset cannot be used as it is.
        FileError: there is no such path, or a folder or a file of labels cannot be read.
    """
    path, settings = user_path(path).absolute(), replace(settings or DataSettings(), verify=False)
    check_there(path)
    as_table = settings.format in (None, "table") and not settings.levels and not is_published(path)
    found = _table_of(path) if as_table else None
    records, skipped = table.read_without_labels(found) if found else ([], [])
    has_labels = any(record.identity for record in records) if found else _has_labels(path)
    if labelled and (settings.format or settings.levels or has_labels):
        without = [record for record in records if not record.identity]
        return replace(load(path, settings), unlabelled=tuple(without))
    if not found:
        records, skipped = _images_below(path)
    elif not labelled:
        records = [ImageRecord(record.path) for record in records]
    return _unlabelled(path.name, str(path), records, skipped)


def load_list(lines: Iterable[str], name: str = "list") -> ReidSplits:
    """Return the images of a list of paths, one a line, relative to the current folder.

    Raises:
        DatasetError: none of the files exists.
    """
    paths, records, skipped = TablePaths(Path.cwd()), list[ImageRecord](), list[Skipped]()
    for number, line in enumerate(lines, start=1):
        if written := line.rstrip("\r\n"):
            if image := paths.find(written):
                records.append(ImageRecord(image))
            else:
                skipped.append(Skipped(paths.expected(written), f"line {number}: there is no such file"))
    return _unlabelled(name, "the list", records, skipped)


def _unlabelled(name: str, where: str, records: list[ImageRecord], skipped: list[Skipped]) -> ReidSplits:
    if not records:
        raise DatasetError(
            f"no image in {where}. Needed: {KINDS}{listed([f'{s.path}: {s.reason}' for s in skipped], limit=3)}"
        )
    labels = sum(1 for record in records if record.identity)
    understood = f"{len(records)} images" + (f", {labels} of them with an identity" if labels else " without labels")
    return ReidSplits(name, skipped=tuple(skipped), understood=understood, unlabelled=tuple(records))


def _table_of(path: Path) -> Path | None:
    """Return the table that `path` is or holds, if it has a column path; None without a table, or with one a split."""
    if path.is_file():
        return path if path.suffix.lower() in SUFFIXES else None
    tables = [one for one in table.tables_in(path) if "path" in columns_of(one)] if path.is_dir() else []
    return tables[0] if len(tables) == 1 else None


def _has_labels(path: Path) -> bool:
    """Return whether a folder is a dataset; a table with a column path has been looked at before."""
    return path.is_dir() and (is_published(path) or table.recognises(path) or folders.recognises(path))


def _images_below(path: Path) -> tuple[list[ImageRecord], list[Skipped]]:
    if path.is_file():
        return ([ImageRecord(path)], []) if is_image_file(path) else ([], [Skipped(path, "not an image")])
    found = list(walk(path))
    return [ImageRecord(leaf.path) for leaf in found if isinstance(leaf, Leaf)], [s for s in found if isinstance(s, Skipped)]
