"""Text files that list images: each line has an image's name and its labels."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msinet.data.records import Skipped
from msinet.errors import FileError
from msinet.files.os_errors import in_words

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL})

SHOWN = 60
"""Characters shown of a broken line."""


class Listed(NamedTuple):
    """A line of a list whose image exists."""

    path: Path
    name: str
    """Name in the list, with its suffix."""
    labels: list[str]
    line: int
    """Number of the line, from 1."""


class ImageLists:
    """The lists of one dataset. Each folder of images is listed only once."""

    def __init__(self) -> None:
        self.skipped: list[Skipped] = []
        """Broken lines, and each missing image once."""
        self._folders: dict[Path, ImageFolder] = {}

    def read(self, file: Path, folder: Path, form: str, suffix: str = "") -> Iterator[Listed]:
        """Yield the lines whose image exists, in their order; none where the list is missing.

        Args:
            file: the list.
            folder: folder of the images; names that lead out of it are left out.
            form: words of a line, such as "image identity"; more words may follow if it ends with "...".
            suffix: suffix of names without one.

        Raises:
            FileError: the list cannot be read, or a folder cannot be listed.
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
                self.leave_out(file, number, f"{quoted(name)} leads out of the dataset")
            else:
                name += suffix if "." not in name.rpartition("/")[2] else ""
                if path := images.find(name):
                    yield Listed(path, name, words[1:], number)
                elif name not in images.missed:
                    images.missed.add(name)
                    self.skipped.append(Skipped(folder / name, f"listed in {file.name}, but missing"))

    def leave_out(self, file: Path, line: int, reason: str) -> None:
        """Record that a line of a list is left out."""
        self.skipped.append(Skipped(file, f"line {line}: {reason}"))


class ImageFolder:
    """The images of a folder and of the folders in it; each folder is listed once, when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.missed: set[str] = set()
        """Names of missing images that are already reported."""
        self._found: dict[str, Path | None] = {}
        self._listed: dict[str, frozenset[str]] = {}

    def find(self, name: str) -> Path | None:
        """Return the path of an image, None if it is missing.

        Raises:
            FileError: a folder cannot be listed.
        """
        if name not in self._found:
            inner, _, last = name.rpartition("/")
            if inner not in self._listed:
                self._listed[inner] = _files_in(self.folder / inner)
            self._found[name] = self.folder / name if last in self._listed[inner] else None
        return self._found[name]


def lines_of(file: Path) -> list[str]:
    """Return the stripped lines of a text file, with or without a byte order mark and Windows line ends.

    A file that is not UTF-8 is read as GB 18030, since most of these datasets are Chinese.

    Raises:
        FileError: the file cannot be read.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {file}: {in_words(error)}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    return [line.strip() for line in text.split("\n")]


def leads_out(name: str) -> bool:
    """Return whether a name may lead out of its folder."""
    return ".." in name.split("/") or name.startswith("/") or bool(os.path.splitdrive(name)[0])


def quoted(text: str) -> str:
    """Return the beginning of a text in quotes, for messages."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")


def _files_in(folder: Path) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if _is_file(entry))
    except ValueError:  # A name with a NUL byte.
        return frozenset()
    except OSError as error:
        if error.errno in ABSENT:
            return frozenset()
        raise FileError(f"cannot list {folder}: {in_words(error)}") from error


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # A circular link.
        return False
