"""Places of galleries: a folder, or an address of Milvus; and the stores that are there."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msinet.errors import FileError, SettingsError
from msinet.extras import extras_named
from msinet.files.paths import user_path
from msinet.gallery.database import DATABASE
from msinet.gallery.sqlite_store import SQLiteStore
from msinet.gallery.store import Store

if TYPE_CHECKING:
    from msinet.gallery.milvus_store import MilvusStore

ADDRESS = re.compile(
    r"milvus:/{1,2}(?P<host>[\w.-]+):(?P<port>\d{1,5})/(?P<name>[A-Za-z_]\w{0,199})(?:\?consistency=(?P<consistency>\w+))?",
    re.ASCII,
)
"""A path has made one slash of two."""

LEVELS = {"session": "Session", "strong": "Strong", None: "Session"}
"""Consistency of queries, as Milvus writes it."""


@dataclass(frozen=True)
class Address:
    """Where a gallery is in Milvus: milvus://HOST:PORT/NAME, and ?consistency=strong where queries wait for all writes.

    Without, an addition waits until queries find it. Queries need not wait then, which takes Milvus some hundred
    milliseconds each. A gallery with several replicas in memory needs `strong`: the addition waits for one of them.
    """

    host: str
    port: int
    name: str
    consistency: str = "Session"

    def __str__(self) -> str:
        return f"milvus://{self.host}:{self.port}/{self.name}"


Place = Path | Address


def is_address(written: str | Path | Address) -> bool:
    """Return whether a place is an address of Milvus, and no folder."""
    return isinstance(written, Address) or str(written).startswith("milvus:/")


def place_of(written: str | Path | Address) -> Place:
    """Return a folder, or the address that milvus:// begins.

    Raises:
        SettingsError: the address cannot be read.
    """
    if isinstance(written, Address):
        return written
    if not is_address(written):
        return user_path(written)
    found = ADDRESS.fullmatch(str(written))
    if not found or found["consistency"] not in LEVELS:
        raise SettingsError(
            f"{written} is no address: write milvus://localhost:19530/yard, a name of letters, digits and _; "
            "?consistency=strong may follow"
        )
    return Address(found["host"], int(found["port"]), found["name"], LEVELS[found["consistency"]])


def is_gallery(place: str | Path | Address) -> bool:
    """Return whether a gallery is at a place. Raises FileError where Milvus cannot be reached."""
    place = place_of(place)
    if isinstance(place, Address):
        return _milvus().is_at(place, os.environ.get(TOKEN, ""))
    return (place / DATABASE).is_file()


def create_store(place: Place, dim: int) -> Store:
    """Make a store without facts for vectors of some length.

    Raises:
        FileError: there is a gallery, or nothing can be written there.
    """
    if is_gallery(place):
        raise FileError(f"{place} has a gallery: open it, or choose another place")
    if isinstance(place, Address):
        return _milvus().create(place, dim, os.environ.get(TOKEN, ""))
    return SQLiteStore.create(place)


def open_store(place: str | Path | Address, read_only: bool = False) -> Store:
    """Open the store of a gallery.

    Raises:
        FileError: there is no gallery, it is damaged, or Milvus cannot be reached.
        ModelError: it is of a later version.
    """
    place = place_of(place)
    if not is_gallery(place):
        raise FileError(f"there is no gallery in {place}: msinet gallery create makes one")
    if isinstance(place, Address):
        return _milvus().open(place, read_only, os.environ.get(TOKEN, ""))
    return SQLiteStore.open(place, read_only)


TOKEN = "MILVUS_TOKEN"
"""Variable of the environment with the user and the password of Milvus: user:password."""


def _milvus() -> "type[MilvusStore]":
    with extras_named():
        from msinet.gallery.milvus_store import MilvusStore
    return MilvusStore
