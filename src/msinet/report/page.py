"""A run as one page that needs nothing else: no network, no scripts."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment
from markupsafe import Markup

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError
from msinet.evaluation.metrics import RetrievalResult
from msinet.evaluation.protocols import PROTOCOLS
from msinet.model.architecture import Architecture
from msinet.model.architecture_picture import COLORS
from msinet.model.certainty import UNSURE, choices_of, doubts_about, shares_of
from msinet.report import charts
from msinet.report.pictures import contact_sheet, data_uri, thumbnail
from msinet.report.speed import cost_of
from msinet.whole_files import write_whole

SHEET = {"rows": 6, "columns": 10, "cell": 84}
GROUPS = {"best": "The best queries", "median": "Queries from the middle", "worst": "The worst queries"}


def write_report(run: Path, records: Sequence[ImageRecord]) -> Path:
    """Write `report.html` of what `msinet run` or `msinet evaluate` left in a folder, and return its path.

    Args:
        run: holds result.json and, where there was a search or a training, architecture.json, search.jsonl and train.jsonl.
        records: images to show what the data looks like; may be empty.

    Raises:
        DatasetError: there is no result, or it cannot be read.
        CheckpointError: the network beside it cannot be read.
    """
    result = load_result(run)
    model = run if (run / "model.json").is_file() else Path(result.info.get("command", {}).get("model", run))
    cost = cost_of(model) if (model / "model.json").is_file() else {}
    page = Environment(autoescape=True, trim_blocks=True).from_string(
        files("msinet.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    )
    parts = _head(result) | _data(records) | _architecture(run, result, cost) | _training(run) | _scores(result)
    write_whole(run / "report.html", page.render(shot=_shot, **parts).encode())
    return run / "report.html"


def load_result(run: Path) -> RetrievalResult:
    """Read the result in the folder of a run. Raises DatasetError where there is none that names its data."""
    file = run / "result.json"
    if not file.is_file():
        raise DatasetError(f"there is no {file}: pass a folder that msinet run wrote, or msinet evaluate --json to it")
    result = RetrievalResult.load(file)
    if "data" not in result.info:
        raise DatasetError(f"{file} does not say which data was scored: score it by msinet evaluate --json, or evaluate()")
    return result


def _head(result: RetrievalResult) -> dict[str, Any]:
    data, info = result.info["data"], result.info
    facts = {
        "data": f"{data['name']}, fingerprint {data['fingerprint']}",
        "command": " ".join(f"{name}={value}" for name, value in info.get("command", {}).items() if value is not None),
        "weights": info["model"].get("weights", ""),
        "scoring": _words(info["scoring"]),
        **{f"settings of the {name}": _words(values) for name, values in info.get("settings", {}).items()},
        "machine": _words(info["machine"]),
        "versions": _words(info["versions"]),
    }
    sizes = ", ".join(f"{data[part]} {part}" for part in ("train", "validation", "query", "gallery") if data[part])
    return {
        "title": f"Recognising the same object again: {data['name']}",
        "summary": f"{sizes} images. Scored on identities that were never seen in training.",
        "scores": [(name, value, _sure(result, name)) for name, value in result.table()],
        "rules": _rules(result),
        "facts": [(name, value) for name, value in facts.items() if value],
    }  # fmt: skip


def _sure(result: RetrievalResult, score: str) -> str:
    """Return how sure a score is, in words."""
    if score in result.intervals:
        return "{:.1f} to {:.1f}".format(*(100 * bound for bound in result.intervals[score]))
    return f"± {100 * result.deviations[score]:.1f}" if score in result.deviations else ""


def _rules(result: RetrievalResult) -> str:
    """Return in words what was scored, and how."""
    asked = f"{result.queries} queries among {result.gallery} in the gallery under the protocol {result.protocol}: "
    words = f"{asked}{PROTOCOLS[result.protocol].description} A wrong image as similar as a right one stands before it."
    words += (
        f" Below each score: its spread over {result.info['draws']['count']} draws of the gallery."
        if result.deviations
        else " Below each score: where it would lie, 19 times in 20, for other identities of the kind (bootstrap)."
    )
    if count := len(result.without_right_answer):
        words += f" {count} queries without a right answer are not scored."
    return words


def _words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _data(records: Sequence[ImageRecord]) -> dict[str, Any]:
    try:
        picture = contact_sheet(records, **SHEET) if records else None
    except DatasetError:  # An image has gone since; the rest of the page stands without this picture.
        picture = None
    if picture is None:
        return {}
    column = "a camera" if any(record.camera for record in records) else "an image"
    return {"sheet": {"uri": data_uri(picture), "words": f"A row an identity, a column {column}."}}


def _architecture(run: Path, result: RetrievalResult, cost: Mapping[str, float]) -> dict[str, Any]:
    if "architecture" not in result.info["model"]:
        return {}
    architecture = Architecture.from_dict(result.info["model"]["architecture"])
    words = []
    if "parameters" in cost:
        words.append(f"{cost['parameters'] / 1e6:.2f} million parameters")
    if "multiply_adds" in cost:
        height, width = result.info["model"]["image_size"]
        words.append(f"{cost['multiply_adds'] / 1e9:.3f} billion multiply-adds for an image of {height} x {width}")
    if "images_per_second" in cost:
        words.append(f"{cost['images_per_second']:.0f} images a second on this machine when the report was made")
    searched = _log(run / "search.jsonl")
    page = {"architecture": Markup(architecture.to_svg()), "searched": bool(searched), "cost": "; ".join(words)}
    return page | (_search(searched, architecture) if searched else {})


def _search(log: Sequence[Mapping[str, Any]], architecture: Architecture) -> dict[str, Any]:
    shares = [shares_of(epoch["alphas"], epoch.get("mixture_temperature", 1.0)) for epoch in log]
    cells = [f"stage {s}, cell {c}" for s, stage in enumerate(architecture.stages, 1) for c in range(1, len(stage) + 1)]
    per_cell = len(architecture.stages[0][0])
    names = [f"{cell}, {'middle' if i == 0 else 'end'}" for cell in cells for i in range(per_cell)]
    choices = choices_of(shares[-1], architecture)
    unsure = sum(choice.margin < UNSURE for choice in choices)
    words = [f"At {unsure} of {len(choices)} places the first two shares lie less than {UNSURE} apart."] if unsure else []
    epochs = [epoch["epoch"] for epoch in log]
    losses = {name: (epochs, [epoch[key] for epoch in log]) for name, key in (("weights", "loss"), ("alphas", "alpha_loss"))}
    return {
        "operations": COLORS.items(),
        "alphas": Markup(charts.alphas_over_time(np.array(shares), architecture.interactions, names)),
        "choices": list(zip(names, choices, strict=True)),
        "certainty_words": " ".join(words + doubts_about(choices)),
        "search_curves": Markup(charts.curves(losses, "epoch", "loss", "Losses of the search")),
    }


def _training(run: Path) -> dict[str, Any]:
    log = _log(run / "train.jsonl")
    if not log:
        return {}
    epochs = [epoch["epoch"] for epoch in log]
    losses = {name: (epochs, [epoch[name] for epoch in log]) for name in ("loss", "identity", "triplet") if name in log[0]}
    scored = [epoch for epoch in log if "validation_mAP" in epoch]
    scores = {
        name: ([epoch["epoch"] for epoch in scored], [100 * epoch[key] for epoch in scored])
        for name, key in (("mAP", "validation_mAP"), ("rank-1", "validation_rank_1"))
    }
    return {
        "train_curves": Markup(charts.curves(losses, "epoch", "loss", "Losses of the training")),
        "validation_curves": Markup(charts.curves(scores, "epoch", "%", "Scores on the validation identities"))
        if scored
        else "",
    }


def _scores(result: RetrievalResult) -> dict[str, Any]:
    ranks = list(range(1, len(result.cmc) + 1))
    curve = charts.curves({"rank-k": (ranks, (100 * result.cmc).tolist())}, "k", "queries, %", "Cumulative matching curve")
    page: dict[str, Any] = {"cmc": Markup(curve)}
    if found := result.info.get("similarities"):
        page["similarities"] = Markup(charts.similarities(found["edges"], found["same"], found["different"]))
        page["similarity_words"] = (
            f"{sum(found['same'])} pairs of the same identity, {sum(found['different'])} of different ones."
        )
    if found := result.info.get("roc"):
        page["roc"] = Markup(charts.roc(found["curve"]["fpr"], found["curve"]["tpr"]))
        shares = ", ".join(f"{100 * share:.1f} % at {rate}" for rate, share in found["tpr_at_fpr"].items())
        page["roc_words"] = f"Same pairs found, by the share of different pairs let through: {shares}."
    if found := result.info.get("baselines"):
        scores = [(name, 100 * values["rank-1"], 100 * values["mAP"]) for name, values in found.items()]
        page["baselines"] = [*scores, ("the network, searched and trained", 100 * result.rank(1), 100 * result.mAP)]
    shown = result.info.get("rankings", [])
    page["groups"] = [
        {"title": title, "rankings": [ranking for ranking in shown if ranking["group"] == group]}
        for group, title in GROUPS.items()
        if any(ranking["group"] == group for ranking in shown)
    ]
    if found := result.info.get("camera_pairs"):
        scores = {(pair["query_camera"], pair["gallery_camera"]): 100 * pair["mAP"] for pair in found}
        columns = sorted({searched for _, searched in scores})
        rows = [(asked, [scores.get((asked, searched)) for searched in columns]) for asked in sorted({a for a, _ in scores})]
        page["pairs"] = {"columns": columns, "rows": rows}
    return page


def _shot(shown: Mapping[str, Any]) -> Markup:
    """Return the picture of a ranked image, or a word where it is gone."""
    name = Path(shown["path"]).name
    if uri := thumbnail(shown["path"]):
        return Markup('<img src="{}" alt="{}" title="{}">').format(uri, name, name)
    return Markup("<span>{} is gone</span>").format(name)


def _log(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; none where there is no log."""
    if not file.is_file():
        return []
    try:
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise DatasetError(f"{file} cannot be read: {error}; delete it to leave it out of the report") from error
