"""The verb `report`."""

from pathlib import Path
from typing import Annotated

from msinet.cli.options import SEVERAL
from msinet.cli.terminal import say
from msinet.panels import DATA, OUTPUT


def report(
    run: Annotated[Path, DATA],
    *,
    data: Annotated[Path | None, DATA] = None,
    beside: Annotated[tuple[str, ...], OUTPUT, SEVERAL] = (),
) -> None:
    """Write report.html of a run: one page with scores, curves, the architecture and ranked images, and no other files.

    Args:
        run: Folder that msinet run wrote, or one with the result.json of msinet evaluate.
        data: Folder or table of the data, if it has moved.
        beside: Trained networks to draw beside this one, mAP over milliseconds: NAME=FOLDER each, such as
            random=runs/trainings/scales-*. Each folder holds a model and its result.json. May be given several times.
    """
    from msinet.jobs.report import report_on

    say(f"Written to {report_on(run, data, beside)}")
