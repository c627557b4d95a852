"""Reading a dataset for a verb, and printing what was found and what was left out."""

from pathlib import Path
from typing import TYPE_CHECKING

from msinet.cli.tables import show_left_out, show_sizes
from msinet.cli.terminal import say
from msinet.data.settings import DataSettings

if TYPE_CHECKING:
    from msinet.jobs.score import Source


def read(data: Path, reading: DataSettings) -> "Source":
    """Read a dataset, and print its sizes, remarks and the files that were left out."""
    from msinet.jobs.score import Source

    return show(Source.read(data, reading))


def show(source: "Source") -> "Source":
    """Print the sizes of a dataset, its remarks and the files that were left out."""
    show_sizes(source.splits)
    for remark in source.splits.remarks:
        say(f"  {remark}")
    show_left_out(source.splits.skipped)
    return source
