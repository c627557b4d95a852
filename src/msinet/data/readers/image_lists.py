"""Text files that list images: a line an image, its name first and its labels behind it."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msinet.data.records import Skipped
from msinet.errors import DatasetError

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL})

SHOWN = 60
"""Letters of a broken line."""


class Listed(NamedTuple):
    """A line of a list, whose image is there."""

    path: Path
    name: str
    """As the list has it, with its suffix."""
    labels: list[str]
    line: int
    """From 1."""


class ImageLists:
    """The lists of one dataset. A folder is listed once, however many of its images are named in however many lists."""

    def __init__(self) -> None:
        self.skipped: list[Skipped] = []
        """The lines that are broken, and each image that is not there once."""
        self._folders: dict[Path, ImageFolder] = {}

    def read(self, file: Path, folder: Path, form: str, suffix: str = "") -> Iterator[Listed]:
        """Yield the lines whose image is there, in their order. A list that is not there has none.

        Args:
            file: the list.
            folder: that the names begin at; one that leads out of it is left out.
            form: of a line, a word each: "image identity"; more words may follow where it ends with "...".
            suffix: of the names that have none.

        Raises:
            DatasetError: the list cannot be read, or a folder cannot be listed.
        """
        wanted, endless = len(form.removesuffix(" ...").split()), form.endswith(" ...")
        images = self._folders.setdefault(folder, ImageFolder(folder))
        for number, line in enumerate(lines_of(file) if file.is_file() else (), start=1):
            words = line.split()
            if not words:
                continue
            name = words[0].replace("\\", "/")
            if len(words) < wanted or (len(words) > wanted and not endless):
                self.leave_out(file, number, f"{quoted(line)} is not like: {form}")
            elif leads_out(name):
                self.leave_out(file, number, f"{quoted(name)} leads out of the data set")
            else:
                name += suffix if "." not in name.rpartition("/")[2] else ""
                if path := images.find(name):
                    yield Listed(path, name, words[1:], number)
                elif name not in images.missed:
                    images.missed.add(name)
                    self.skipped.append(Skipped(folder / name, f"listed in {file.name}, but not there"))

    def leave_out(self, file: Path, line: int, reason: str) -> None:
        """Note that a line of a list is left out."""
        self.skipped.append(Skipped(file, f"line {line}: {reason}"))


class ImageFolder:
    """Where the images of a folder, and of the folders in it, are: each folder is listed when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.missed: set[str] = set()
        """Names of images that are told to be missing."""
        self._found: dict[str, Path | None] = {}
        self._listed: dict[str, frozenset[str]] = {}

    def find(self, name: str) -> Path | None:
        """Return the path of an image, None if it is not there.

        Raises:
            DatasetError: a folder cannot be listed.
        """
        if name not in self._found:
            inner, _, last = name.rpartition("/")
            if inner not in self._listed:
                self._listed[inner] = _files_in(self.folder / inner)
            self._found[name] = self.folder / name if last in self._listed[inner] else None
        return self._found[name]


def lines_of(file: Path) -> list[str]:
    """Return the lines of a text file without the blanks around them; a byte order mark and Windows' line ends are fine.

    Most of these datasets are Chinese, so that a file that is not UTF-8 is taken for GB 18030.

    Raises:
        DatasetError: The file cannot be read.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {file}: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    return [line.strip() for line in text.split("\n")]


def leads_out(name: str) -> bool:
    """Say whether a name may lead out of the folder that it begins at."""
    return ".." in name.split("/") or name.startswith("/") or bool(os.path.splitdrive(name)[0])


def quoted(text: str) -> str:
    """Return the beginning of what a file says, fit to be shown."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")


def _files_in(folder: Path) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if _is_file(entry))
    except ValueError:  # Lists may say anything, NUL bytes too.
        return frozenset()
    except OSError as error:
        if error.errno in ABSENT:
            return frozenset()
        raise DatasetError(f"cannot list {folder}: {error.strerror}") from error


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # A link in a circle.
        return False
