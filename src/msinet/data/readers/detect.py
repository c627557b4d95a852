"""From a path to a dataset, whatever its layout."""

from collections.abc import Callable
from contextlib import suppress
from os import PathLike
from pathlib import Path

from msinet.data.images import drop_unreadable
from msinet.data.readers import folders, market1501, msmt17, table, vehicleid, veri776, veriwild, vric
from msinet.data.readers.checks import check_splits, drop_repeats
from msinet.data.readers.folder_listing import list_folder
from msinet.data.readers.own_data import SPLIT_WORDS
from msinet.data.records import ReidSplits
from msinet.errors import DatasetError, SettingsError

PUBLISHED = {
    "veri776": veri776,
    "vehicleid": vehicleid,
    "veriwild": veriwild,
    "vric": vric,
    "market1501": market1501,
    "msmt17": msmt17,
}
"""The layouts of published datasets."""

FORMATS = PUBLISHED | {"table": table, "folders": folders}
"""All layouts, most telling first: nearly anything looks like folders of images."""


def load_splits(
    path: str | PathLike[str],
    format: str | None = None,
    seed: int = 0,
    verify: bool = True,
    advance: Callable[[], object] | None = None,
) -> ReidSplits:
    """Read a re-identification dataset.

    Args:
        path: The dataset's folder, or a table of images.
        format: One of `FORMATS`; None recognises it.
        seed: Decides which half of the identities is trained on where the data has no splits of its own.
        verify: Decode every image once, and leave out those that cannot be read.
        advance: Called after each image verified, for a progress bar.

    Returns:
        The dataset; what was left out, and why, stands in its `skipped`.

    Raises:
        DatasetError: The layout is unknown, or the data cannot be used as it is; the message says what to do.
        SettingsError: There is no such format.
    """
    splits = read_as_it_is(path, format, seed)
    check_splits(splits)
    if verify:
        splits = _drop_unreadable(splits, advance)
        check_splits(splits)
    return splits


def read_as_it_is(path: str | PathLike[str], format: str | None = None, seed: int = 0) -> ReidSplits:
    """Read a dataset without checking whether it can be used: for the doctor.

    Raises:
        DatasetError: The layout is unknown, or a label or folder cannot be read.
        SettingsError: There is no such format.
    """
    path = Path(path).absolute()
    if ".." in path.parts:
        path = path.resolve()  # so that the dataset has a name
    format = detect_format(path) if format is None else _check_format(path, format)
    return drop_repeats(FORMATS[format].read(path, seed))


def detect_format(path: str | PathLike[str]) -> str:
    """Return the name in `FORMATS` of the layout at `path`.

    Raises:
        DatasetError: Nothing there, or nothing that is known; the message says what was looked for and what is there.
    """
    path = Path(path)
    _check_there(path)
    for name, module in FORMATS.items():
        if module is not folders and module.recognises(path):
            return name
    as_folders = folders.recognises(path)
    if as_folders and not _is_published(path.absolute().parent) and not _one_level_lower(path):
        return "folders"
    looked_for = "\n".join(f"  {name}: {module.LAYOUT}" for name, module in FORMATS.items())
    otherwise = "\nIf not, give the format folders." if as_folders else ""
    raise DatasetError(f"no known layout in {path}{_meant_and_there(path)}{otherwise}\nLooked for:\n{looked_for}")


def _check_format(path: Path, format: str) -> str:
    """Return the format asked for, if it can be that."""
    if format not in FORMATS:
        raise SettingsError(f"no format {format!r}: choose one of {', '.join(FORMATS)}")
    _check_there(path)
    if not FORMATS[format].recognises(path):
        raise DatasetError(f"{path} is not {format}{_meant_and_there(path)}\nLooked for: {FORMATS[format].LAYOUT}")
    return format


def _check_there(path: Path) -> None:
    if not path.exists():
        raise DatasetError(f"there is no {path}")
    try:
        if path.is_dir() and next(path.iterdir(), None) is None:
            raise DatasetError(f"{path} is an empty folder")
    except OSError as error:
        raise DatasetError(f"cannot list {path}: {error.strerror}") from error


def _drop_unreadable(splits: ReidSplits, advance: Callable[[], object] | None) -> ReidSplits:
    """Decode every image once, though several parts may share it."""
    parts = splits.parts()
    _, unreadable = drop_unreadable((record for records in parts.values() for record in records), advance)
    paths = {left_out.path for left_out in unreadable}
    readable = {part: tuple(record for record in records if record.path not in paths) for part, records in parts.items()}
    return splits.with_parts(readable, unreadable)


def _meant(path: Path) -> list[Path]:
    """Return the datasets that may be meant. A published one above comes first: in it may be thousands of folders."""
    parent = path.absolute().parent
    return [parent] if _is_published(parent) else _one_level_lower(path) or _one_level_higher(path)


def _one_level_lower(path: Path) -> list[Path]:
    """Return the folders in `path` that are datasets themselves."""
    if not path.is_dir():
        return []
    inside = list_folder(path).folders
    lower = [folder for folder in inside if _is_telling(folder)]
    if not lower and len(inside) == 1 and inside[0].name.lower() not in SPLIT_WORDS:
        with suppress(DatasetError):  # One identity is no dataset: the folder around one, more likely.
            lower = inside if folders.recognises(inside[0]) else []
    return lower


def _one_level_higher(path: Path) -> list[Path]:
    parent = path.absolute().parent
    return [parent] if path.is_dir() and _is_telling(parent) else []


def _is_telling(folder: Path) -> bool:
    with suppress(DatasetError, OSError):
        return _is_published(folder) or table.recognises(folder)
    return False


def _is_published(folder: Path) -> bool:
    return any(module.recognises(folder) for module in PUBLISHED.values())


def _meant_and_there(path: Path) -> str:
    if not path.is_dir():
        return ", a file"
    meant = _meant(path)
    did_you_mean = ": did you mean " + " or ".join(map(str, meant[:3])) + "?" if meant else ""
    names = sorted(entry.name for entry in path.iterdir())
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{did_you_mean}\nThere: {', '.join(map(repr, names[:5]))}{more}"
