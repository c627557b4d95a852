"""Where caches lie."""

import os
from pathlib import Path


def cache_folder() -> Path | None:
    """Return the folder of all caches: `msinet` in $XDG_CACHE_HOME or ~/.cache; None where the user has no home folder.

    A relative $XDG_CACHE_HOME counts as none, as its specification says.
    """
    for folder in (Path(os.environ.get("XDG_CACHE_HOME", "")), Path(os.path.expanduser("~")) / ".cache"):  # noqa: PTH111
        if folder.is_absolute():  # Path.expanduser raises where there is no home, os.path's leaves the ~.
            return folder / "msinet"
    return None
