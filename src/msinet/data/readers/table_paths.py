"""Paths as tables of images write them: of another system, below ~, relative to the table or to the current folder."""

import os
from pathlib import Path


class TablePaths:
    """Finds the images of a table.

    Args:
        folder: folder of the table.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.current = Path.cwd()
        self.from_current = 0
        """Images that were found from the current folder."""

    def find(self, cell: str) -> Path | None:
        """Return the image that a cell means, None where no such file exists."""
        for form in dict.fromkeys((cell, cell.replace("\\", "/"))):
            written = Path(os.path.expanduser(form))  # noqa: PTH111 - Path.expanduser raises where there is no home
            if _is_file(self.folder / written):
                return self.folder / written
            if _is_file(self.current / written):
                self.from_current += 1
                return self.current / written
        return None

    def expected(self, cell: str) -> Path:
        """Return where the image of a cell was looked for first."""
        return self.folder / os.path.expanduser(cell.replace("\\", "/"))  # noqa: PTH111

    def in_words(self) -> str:
        """Return what the paths are relative to."""
        return f"paths relative to {self.current}" if self.from_current else "paths relative to its folder"


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a name is too long
