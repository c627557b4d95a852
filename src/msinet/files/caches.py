"""Where caches lie."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder of all caches: `msinet` in $XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "msinet"
