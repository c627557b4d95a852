"""The report of a run, with the images of its data where they are still there."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from msinet.data.readers.detect import load
from msinet.data.records import ReidSplits
from msinet.data.settings import DataSettings
from msinet.errors import DatasetError
from msinet.evaluation.result import RetrievalResult
from msinet.report.page import load_result, write_report


def report_on(run: Path, moved_to: Path | None = None, beside: Sequence[str] = ()) -> Path:
    """Write `report.html` of a run and return its path.

    Args:
        run: folder that holds result.json.
        moved_to: where the data of its command is now.
        beside: trained networks that its network is drawn beside, NAME=FOLDER each.

    Raises:
        ResultError: there is no result, it cannot be read, or what is beside it was scored otherwise.
        SettingsError: what is beside it is not NAME=FOLDER, or there is no network of the run.
        DatasetError: the data cannot be read, has other images than those that were ranked, or is gone and a report with its
            images is there.
    """
    result = load_result(run)
    command = result.record.command
    source = moved_to or (command.data if command else None)
    if source and not moved_to and not source.exists():
        if (run / "report.html").exists():
            raise DatasetError(
                f"the images of the report were in {source}, which is gone: set data to where they are", "data"
            )
        source = None
    if not source:
        return write_report(run, (), beside=beside)
    reading = (command.reading if command else None) or DataSettings()
    splits = load(source, replace(reading, verify=False))
    places = _places(result, splits) if moved_to else {}
    return write_report(run, splits.gallery, places, beside)


def _places(result: RetrievalResult, splits: ReidSplits) -> dict[Path, Path]:
    """Return where each ranked image is now, by its recorded path: the image with the same end of its path."""
    shown = {image.path for query in result.evidence.rankings for image in (query.query, *query.answers)}
    there = [record.path for record in splits.records()]
    for parts in (4, 3, 2, 1):
        ends = {path.parts[-parts:]: path for path in there}
        found = {path: ends[path.parts[-parts:]] for path in map(Path, shown) if path.parts[-parts:] in ends}
        if len(found) == len(shown) and len(set(found.values())) == len(found):
            return found
    raise DatasetError(
        f"{splits.name} does not hold the ranked images of the result: set data to the data that was scored", "data"
    )
