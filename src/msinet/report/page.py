"""The report of a run: one HTML page that needs no network, no scripts and no other files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment
from markupsafe import Markup

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, ResultError, SettingsError
from msinet.evaluation.evidence import ShownImage
from msinet.evaluation.record import DataFacts, EvaluateCommand
from msinet.evaluation.result import RetrievalResult
from msinet.files.atomic import write_atomically
from msinet.files.text import LEGIBLE
from msinet.model.zoo import find_model, is_name
from msinet.report.facts import head_of
from msinet.report.front import front_part
from msinet.report.learning import network_part, search_part, training_part
from msinet.report.pictures import contact_sheet, data_uri, thumbnail
from msinet.report.score_charts import scores_part
from msinet.report.speed import cost_of

SHEET = {"rows": 6, "columns": 10, "cell": 84}


@dataclass(frozen=True)
class DataPart:
    """Images of the data."""

    sheet: str
    """Contact sheet as a data URI."""
    words: str


def write_report(
    run: Path,
    records: Sequence[ImageRecord],
    places: Mapping[Path, Path] = MappingProxyType({}),
    beside: Sequence[str] = (),
) -> Path:
    """Write `report.html` from what `msinet run` or `msinet evaluate` wrote to a folder, and return its path.

    Args:
        run: holds result.json and, after a search or a training, architecture.json, search.jsonl and train.jsonl.
        records: images that show what the data looks like; may be empty.
        places: where ranked images are now, by their recorded paths, if they have moved.
        beside: trained networks that this one is drawn beside, NAME=FOLDER each.

    Raises:
        ResultError: there is no result, it cannot be read, or what is beside it was scored otherwise.
        SettingsError: what is beside it is not NAME=FOLDER, or there is no network of the run.
        ModelError: the network beside it cannot be read.
        FileError: a log cannot be read, or the page cannot be written.
    """
    result, data = _load(run)
    model, folder = result.record.model, _model_folder(run, result)
    if beside and not folder:
        raise SettingsError(f"beside needs the network of {run}: there is none any more", "beside")
    text = files("msinet.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    page = Environment(autoescape=True, trim_blocks=True).from_string(text)
    html = page.render(
        picture_of=partial(_picture_of, places),
        head=head_of(result, data),
        data=_data_part(records),
        network=network_part(model, cost_of(folder) if model and folder else None),
        search=search_part(run, model),
        training=training_part(run),
        scores=scores_part(result),
        front=front_part(folder, result, beside) if beside and folder else None,
    )
    write_atomically(run / "report.html", html.encode(errors=LEGIBLE))
    return run / "report.html"


def load_result(run: Path) -> RetrievalResult:
    """Read the result in a run's folder.

    Raises:
        ResultError: there is none, it cannot be read, or it does not name its data.
    """
    return _load(run)[0]


def _load(run: Path) -> tuple[RetrievalResult, DataFacts]:
    file = run / "result.json"
    if not file.is_file():
        raise ResultError(f"there is no {file}: pass a folder that msinet run wrote, or write one by msinet evaluate --json")
    result = RetrievalResult.load(file)
    if result.record.data is None:
        raise ResultError(
            f"{file} does not name the data that was scored: score it by msinet evaluate --json, or evaluate()"
        )
    return result, result.record.data


def _model_folder(run: Path, result: RetrievalResult) -> Path | None:
    """Return the folder of the network, if it is still there."""
    command = result.record.command
    folders = [run]
    if isinstance(command, EvaluateCommand):
        folders.append(find_model(command.model) if is_name(command.model) else command.model)
    return next((folder for folder in folders if (folder / "model.json").is_file()), None)


def _data_part(records: Sequence[ImageRecord]) -> DataPart | None:
    if not records:
        return None
    try:
        sheet = contact_sheet(records, **SHEET)
    except DatasetError:  # An image is gone; the rest of the page needs no picture.
        return None
    column = "a camera" if any(record.camera for record in records) else "an image"
    return DataPart(data_uri(sheet), f"A row is an identity, a column {column}.")


def _picture_of(places: Mapping[Path, Path], shown: ShownImage) -> Markup:
    """Return the picture of a ranked image, or a word where it is gone."""
    name = Path(shown.path).name
    if uri := thumbnail(places.get(Path(shown.path), shown.path)):
        return Markup('<img src="{}" alt="{}" title="{}">').format(uri, name, name)
    return Markup("<span>{} is gone</span>").format(name)
