"""The report of a run, with the images of its data where they are still there."""

from dataclasses import replace
from pathlib import Path

from msinet.data.readers.detect import load
from msinet.data.settings import DataSettings
from msinet.report.page import load_result, write_report


def report_on(run: Path, moved_to: Path | None = None) -> Path:
    """Write `report.html` of a run and return its path.

    Args:
        run: folder that holds result.json.
        moved_to: where the data of its command is now.

    Raises:
        ResultError: there is no result, or it cannot be read.
        DatasetError: the data cannot be read.
    """
    command = load_result(run).record.command
    source = moved_to or (command.data if command else None)
    records = ()
    if source and (moved_to or source.exists()):
        reading = (command.reading if command else None) or DataSettings()
        records = load(source, replace(reading, verify=False)).gallery
    return write_report(run, records)
