"""Reading a data set for a verb, and printing what was found and what was left out."""

from pathlib import Path

from msinet.cli.terminal import say, show_left_out, show_sizes
from msinet.data.settings import DataSettings
from msinet.jobs.score import Source


def read(data: Path, reading: DataSettings) -> Source:
    """Read a data set, and print its sizes, remarks and the files that were left out."""
    return show(Source.read(data, reading))


def show(source: Source) -> Source:
    """Print the sizes of a data set, its remarks and the files that were left out."""
    show_sizes(source.splits)
    for remark in source.splits.remarks:
        say(f"  {remark}")
    show_left_out(source.splits.skipped)
    return source
