"""Places of files, on a disk or in an object store, through pyarrow's file systems."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msinet.errors import FileError, MissingExtraError
from msinet.files.atomic import write_atomically
from msinet.files.os_errors import in_words
from msinet.files.paths import user_path


@dataclass(frozen=True)
class Place:
    """A file or a folder. It can be sent to other processes."""

    system: Any
    """pyarrow.fs.FileSystem."""
    path: str
    """The path in it, with /."""

    @classmethod
    def of(cls, name: str | Path) -> "Place":
        """Return what a local path or a URI, such as s3://bucket/name, means.

        Raises:
            FileError: there is no file system for the URI.
            MissingExtraError: pyarrow is missing.
        """
        fs = _file_systems()
        if not is_uri(name):
            return cls(fs.LocalFileSystem(), user_path(name).absolute().as_posix())
        try:
            return cls(*fs.FileSystem.from_uri(str(name)))
        except (OSError, ValueError, NotImplementedError) as error:  # pyarrow's own derive from these.
            raise FileError(f"{name} leads nowhere ({error}): give a local path, or a URI as s3://bucket/name") from error

    def __truediv__(self, name: str) -> "Place":
        return Place(self.system, f"{self.path.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.path if self.is_local else f"{self.system.type_name}:{self.path}"

    @property
    def is_local(self) -> bool:
        """Whether it lies on a disk of this machine, or on one that is mounted here."""
        return self.system.type_name == "local"

    @property
    def parent(self) -> "Place":
        """The folder that it lies in."""
        return Place(self.system, self.path.rpartition("/")[0] or "/")

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder that exists. Raises OSError where that cannot be found out."""
        return self.system.get_file_info(self.path).type == _file_systems().FileType.Directory

    def names(self) -> set[str]:
        """Return the names of the files in a folder; none where there is no such folder. Raises OSError."""
        fs = _file_systems()
        found = self.system.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
        return {info.base_name for info in found if info.type == fs.FileType.File}

    def read(self) -> bytes:
        """Return the content of a file. Raises OSError."""
        with self.system.open_input_stream(self.path) as stream:
            return stream.read()

    def write(self, content: bytes) -> None:
        """Write a file that is whole or not there, also where several write it at the same time.

        On a disk it is written beside its place, under a name of its own, and renamed. An object store shows an object when
        all of it is there.

        Raises:
            FileError: it cannot be written.
        """
        try:
            if self.is_local:
                own = Path(f"{self.path}.{secrets.token_hex(4)}")
                write_atomically(own, content)
                own.replace(self.path)
            else:
                with self.system.open_output_stream(self.path) as stream:
                    stream.write(content)
        except OSError as error:
            raise FileError(f"cannot write {self}: {in_words(error, writing=True)}") from error

    def remove(self) -> None:
        """Remove a file that may be there. Raises OSError."""
        with suppress(FileNotFoundError):
            self.system.delete_file(self.path)


def is_uri(name: object) -> bool:
    """Return whether a name is a URI, and not a local path."""
    return "://" in str(name)


def _file_systems() -> Any:
    try:
        import pyarrow.fs
    except ImportError as error:
        raise MissingExtraError("pyarrow", "ray") from error
    return pyarrow.fs
