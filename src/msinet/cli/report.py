"""The verb `report`."""

from pathlib import Path
from typing import Annotated

from msinet.cli.terminal import say
from msinet.panels import DATA


def report(run: Annotated[Path, DATA], *, data: Annotated[Path | None, DATA] = None) -> None:
    """Write report.html of a run: one page with scores, curves, the architecture and ranked images, and no other files.

    Args:
        run: Folder that msinet run wrote, or one with the result.json of msinet evaluate.
        data: Folder or table of the data, if it has moved.
    """
    from msinet.jobs.report import report_on

    say(f"Written to {report_on(run, data)}")
