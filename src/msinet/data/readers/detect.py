"""Loading of a dataset from a path: its layout is recognised or named."""

from contextlib import suppress
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import ModuleType

from msinet.data.pixels import drop_unreadable
from msinet.data.readers import folders, market1501, msmt17, table, vehicleid, veri776, veriwild, vric
from msinet.data.readers.checks import check_splits, drop_repeats
from msinet.data.readers.folder_levels import CAMERA, is_plain
from msinet.data.readers.folder_listing import list_folder
from msinet.data.records import ReidSplits, identities
from msinet.data.settings import DataSettings, Format
from msinet.errors import DatasetError, FileError, listed
from msinet.files.os_errors import in_words
from msinet.files.paths import user_path

PUBLISHED: dict[Format, ModuleType] = {
    "veri776": veri776,
    "vehicleid": vehicleid,
    "veriwild": veriwild,
    "vric": vric,
    "market1501": market1501,
    "msmt17": msmt17,
}
"""Readers of published datasets."""

FORMATS: dict[Format, ModuleType] = {**PUBLISHED, "table": table, "folders": folders}
"""Readers of all layouts, the most specific first: nearly anything looks like folders of images."""


def load_splits(
    path: str | PathLike[str],
    format: Format | None = None,
    seed: int = 0,
    verify: bool = True,
    levels: str | None = None,
) -> ReidSplits:
    """Read a re-identification dataset.

    Args:
        path: the dataset's folder, or a table of images.
        format: layout of the dataset; None recognises it.
        seed: halves the identities into train and test where the dataset has no splits.
        verify: decode every image once, and leave out those that cannot be read.
        levels: meaning of each level of folders, such as split/camera/identity; None recognises it.

    Returns:
        The dataset; its `skipped` has the files that were left out, and the reasons.

    Raises:
        DatasetError: the layout is unknown, or the data cannot be used as it is; the message says what to do.
        FileError: there is no such path, or a folder or a file of labels cannot be read.
        SettingsError: there is no such format, or the levels make no sense.
    """
    return load(path, DataSettings(format=format, split_seed=seed, verify=verify, levels=levels))


def load(path: str | PathLike[str], settings: DataSettings) -> ReidSplits:
    """Read a dataset as its settings say. Raises what `load_splits` raises."""
    splits = read_as_it_is(path, settings)
    check_splits(splits)
    if settings.verify:
        splits = _drop_unreadable(splits)
        check_splits(splits)
    return splits


def read_as_it_is(path: str | PathLike[str], settings: DataSettings | None = None) -> ReidSplits:
    """Read a dataset without checking whether it can be used: for the doctor.

    Raises:
        DatasetError: the layout is unknown, or has two readings.
        FileError: there is no such path, or a folder or a file of labels cannot be read.
    """
    settings = settings or DataSettings()
    path = user_path(path).absolute()
    if ".." in path.parts:
        path = path.resolve()  # so that the dataset has a name
    named = settings.format or ("folders" if settings.levels else None)
    chosen = detect_format(path) if named is None else _check_layout(path, named)
    if settings.levels:
        return drop_repeats(folders.read(path, settings.split_seed, settings.levels))
    splits = drop_repeats(FORMATS[chosen].read(path, settings.split_seed))
    return splits if splits.understood else replace(splits, understood=_in_words(chosen, splits))


def _in_words(format: Format, splits: ReidSplits) -> str:
    """Return how a published dataset was understood."""
    records = splits.records()
    cameras = {record.camera for record in records} - {None}
    seen = f"{len(cameras)} cameras" if cameras else "no cameras"
    return f"layout of {format}: {len(identities(records))} identities, {seen}"


def detect_format(path: str | PathLike[str]) -> Format:
    """Return the format of the dataset at `path`.

    Raises:
        DatasetError: no layout fits; the message says which were tried and what the folder holds.
        FileError: there is no such path, or the folder cannot be listed.
    """
    path = user_path(path)
    check_there(path)
    for name, reader in FORMATS.items():
        if reader is not folders and reader.recognises(path):
            return name
    as_folders = folders.recognises(path)
    if as_folders and not is_published(path.absolute().parent) and not _one_level_lower(path):
        return "folders"
    otherwise = "\nIf not, set format to folders." if as_folders else ""
    layouts = listed([f"{name}: {reader.LAYOUT}" for name, reader in FORMATS.items()])
    message = f"{path} has no known layout{_meant_and_there(path)}{otherwise}\nKnown layouts:{layouts}"
    raise DatasetError(message, *(["format"] if as_folders else []))


def _check_layout(path: Path, format: Format) -> Format:
    """Return the format that is named, if the path has its layout."""
    check_there(path)
    if not FORMATS[format].recognises(path):
        raise DatasetError(f"{path} is not {format}{_meant_and_there(path)}\n{format} is {FORMATS[format].LAYOUT}")
    return format


def check_there(path: Path) -> None:
    """Check that there is something at a path.

    Raises:
        DatasetError: it is an empty folder.
        FileError: there is nothing, or the folder cannot be listed.
    """
    if not path.exists():
        raise FileError(f"there is no {path}")
    try:
        if path.is_dir() and next(path.iterdir(), None) is None:
            raise DatasetError(f"{path} is an empty folder")
    except OSError as error:
        raise FileError(f"cannot list {path}: {in_words(error)}") from error


def _drop_unreadable(splits: ReidSplits) -> ReidSplits:
    """Decode every image once, even if several parts share it, and leave out those that cannot be read."""
    _, unreadable = drop_unreadable(splits.records())
    paths = {left_out.path for left_out in unreadable}
    parts = splits.parts().items()
    readable = {part: tuple(record for record in records if record.path not in paths) for part, records in parts}
    return splits.with_parts(readable, unreadable)


def _meant(path: Path) -> list[Path]:
    """Return the datasets that may be meant. A published one above comes first: in it may be thousands of folders."""
    parent = path.absolute().parent
    return [parent] if is_published(parent) else _one_level_lower(path) or _one_level_higher(path)


def _one_level_lower(path: Path) -> list[Path]:
    """Return the folders in `path` that are datasets themselves."""
    if not path.is_dir():
        return []
    inside = list_folder(path).folders
    lower = [folder for folder in inside if _is_specific(folder)]
    if not lower and len(inside) == 1 and is_plain(inside[0].name):
        with suppress(FileError):  # A dataset of one identity is unlikely: the folder inside is the dataset.
            cameras = all(map(CAMERA.fullmatch, (folder.name for folder in list_folder(inside[0]).folders)))
            lower = inside if folders.recognises(inside[0]) and not cameras else []
    return lower


def _one_level_higher(path: Path) -> list[Path]:
    parent = path.absolute().parent
    return [parent] if path.is_dir() and _is_specific(parent) else []


def _is_specific(folder: Path) -> bool:
    """Return whether a folder has a layout that other folders rarely have by chance."""
    with suppress(FileError, OSError):
        return is_published(folder) or table.recognises(folder)
    return False


def is_published(folder: Path) -> bool:
    """Return whether a folder has the layout of a published dataset."""
    return any(reader.recognises(folder) for reader in PUBLISHED.values())


def _meant_and_there(path: Path) -> str:
    """Return the end of a message: the paths that may be meant, and the entries of the folder."""
    if not path.is_dir():
        return ": it is a file"
    meant = _meant(path)
    did_you_mean = ": did you mean " + " or ".join(map(str, meant[:3])) + "?" if meant else ""
    names = sorted(entry.name for entry in path.iterdir())
    return f"{did_you_mean}\nIt holds:{listed([repr(name) for name in names], limit=5)}"
