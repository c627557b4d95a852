"""The verb `rerun`."""

from pathlib import Path
from typing import Annotated

from msinet.cli.bars import bars
from msinet.cli.options import Out
from msinet.cli.reading import show
from msinet.cli.tables import show_differences, show_result
from msinet.cli.terminal import say
from msinet.errors import ResultError
from msinet.files.lock import sole_writer
from msinet.panels import DATA


def rerun(result: Annotated[Path, DATA], *, out: Out, data: Annotated[Path | None, DATA] = None) -> None:
    """Repeat the command that made a result, and compare both. The exit code is 1 where scores differ.

    Stopped and started again, it resumes.

    Args:
        result: Result of msinet run or msinet evaluate: result.json.
        out: Folder for the files of the repetition.
        data: Folder or table of the data, if it has moved.
    """
    from msinet.evaluation.result import RetrievalResult
    from msinet.jobs.rerun import differences, source_of
    from msinet.jobs.rerun import rerun as repeat

    before = RetrievalResult.load(result)
    with bars() as first, sole_writer(out, first):
        after = repeat(before, show(source_of(before, data)).splits, out)
    show_result(after)
    if differing := differences(before, after):
        show_differences(differing)
    if after.table() != before.table():
        raise ResultError(f"the scores are not those of {result}")
    say(f"The scores are those of {result}, to the last digit")
