"""Results, datasets, findings and architectures as tables and lines of the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msinet.cli.terminal import Column, Styled, say, show_table, show_warning

if TYPE_CHECKING:
    from msinet.architecture_search.conclusion import OfBudget, Searched
    from msinet.data.doctor.troubles import Finding
    from msinet.data.records import ReidSplits, Skipped
    from msinet.evaluation.result import RetrievalResult
    from msinet.jobs.fine_tune import FineTuned
    from msinet.model.cards import Card
    from msinet.model.msinet.architecture import Architecture

COMPARED = ("rank-1", "rank-5", "mAP", "mINP")
"""Scores of several results side by side; more would not fit into 80 columns."""

SENTENCE = 60
"""Largest width in columns of a cell of sentences."""


def show_architecture(architecture: "Architecture") -> None:
    """Print the interactions of each cell as a table, and the depths of its branches where they are not the published."""
    columns, published = ["stage", "cell", "interactions"], architecture.has_published_depths
    rows = []
    for s, stage in enumerate(architecture.cells, 1):
        for c, cell in enumerate(stage, 1):
            parts = [[str(part) for part in parts] for parts in zip(*cell, strict=True)]
            rows.append((str(s), str(c), *(", ".join(part) for part in (parts[:1] if published else parts))))
    show_table(columns if published else [*columns, "3x3 of a", "3x3 of b"], rows)


def show_searched(searched: "Searched") -> None:
    """Print what a search found, the architecture of each budget, and what speaks against the result."""
    for finding in searched.findings:
        say(finding)
    if searched.front:
        show_front(searched.front)
    for doubt in searched.doubts:
        show_warning(doubt)


def show_front(front: "Mapping[float, OfBudget]") -> None:
    """Print the width and the multiply-adds of the architecture of each budget, and its file."""
    from msinet.architecture_search.settings import file_of_budget, in_short

    rows = []
    for budget, one in front.items():
        met = "yes" if one.multiply_adds <= budget else Styled("no", "yellow")
        rows.append((in_short(budget), f"{one.width:g}", in_short(one.multiply_adds), met, file_of_budget(budget)))
    show_table(("budget", "width", "multiply-adds", "met", Column("file", folds=True)), rows)


def show_models(cards: "Mapping[str, Card]") -> None:
    """Print the models that ship: what they were made of, and how good they are."""
    rows = []
    for name, card in cards.items():
        height, width = card.pixels.size
        parameters = f"{card.info['parameters'] / 1e6:.2f}M"
        scores = card.info.get("scores")
        score = f"{100 * scores['mAP']:.1f}" if scores else ""
        rows.append((name, parameters, f"{height}x{width}", score, card.licence, card.info["lineage"]))
    columns = ("name", "parameters", "image", "mAP", "licence", Column("made from", folds=True))
    show_table(columns, rows, ruled=True)
    for data, protocol in sorted({(s["data"], s["protocol"]) for card in cards.values() if (s := card.info.get("scores"))}):
        say(f"mAP in %, as it is, on the test identities of {data}, {protocol}")


def show_results(results: "Sequence[RetrievalResult]") -> None:
    """Print one result in full, or several as a table of a row each."""
    if len(results) == 1:
        show_result(results[0])
        return
    names = _names_of(results)
    what = Column("model, data, protocol" if len(names[0]) > 2 else "data, protocol", folds=True)
    rows = []
    for result, name in zip(results, names, strict=True):
        values = result.scores.by_name()
        scores = [f"{100 * values[score]:.1f}{_spread(result, score)}" for score in COMPARED]
        rows.append(("\n".join(name), str(result.queries), str(result.gallery), *scores))
    show_table((what, "queries", "gallery", *COMPARED), rows, ruled=True)
    spread = ", ± over draws" if any(result.deviations for result in results) else ""
    say(f"Scores in %{spread}{_done_before(results[0])}")
    for result in results:
        _say_unscored(result)


def show_steps(tuned: "FineTuned") -> None:
    """Print the scores of each step of a fine-tuning, and why a step is missing."""
    rows = []
    for step, result in tuned.results.items():
        values = result.scores.by_name()
        rows.append((step, *(f"{100 * values[score]:.1f}" for score in COMPARED)))
    show_table(("step", *COMPARED), rows)
    for step, why in tuned.refused.items():
        say(f"not {step}: {why}")


def _names_of(results: "Sequence[RetrievalResult]") -> list[list[str]]:
    """Return what tells each result from the others: its model, where there are several, its data and its protocol."""
    commands = [result.record.command for result in results]
    folders = [str(getattr(command, "model", "")) for command in commands]
    models = _distinct([Path(folder).name for folder in folders], folders)
    several = len(set(models)) > 1
    names = [result.record.data.name if result.record.data else "" for result in results]
    data = _distinct(names, [str(c.data) if c else name for c, name in zip(commands, names, strict=True)])
    return [
        [*([model] if several else []), f"{name} {result.task}".strip(), result.protocol]
        for model, name, result in zip(models, data, results, strict=True)
    ]


def _distinct(names: list[str], folders: list[str]) -> list[str]:
    """Return the names, or the folders where different ones have one name."""
    return folders if len(set(names)) < len(set(folders)) else names


def _spread(result: "RetrievalResult", score: str) -> str:
    """Return the standard deviation over draws, where there is one, on a line of its own."""
    return f"\n±{100 * result.deviations[score]:.1f}" if score in result.deviations else ""


def _done_before(result: "RetrievalResult") -> str:
    """Return what was done with the embeddings before they were ranked."""
    words = result.record.scoring.in_words() if result.record.scoring else ""
    return f"; with {words}" if words else ""


def show_result(result: "RetrievalResult") -> None:
    """Print scores as a table, each with its 95 % interval over identities."""
    size = f" {result.task}" if result.task else ""
    say(f"{result.protocol}{size}: {result.queries} queries, {result.gallery} in the gallery{_done_before(result)}")
    rows = []
    for name, value in result.table():
        low, high = (100 * bound for bound in result.intervals.get(name, (0, 0)))
        sure = f"{low:.1f} to {high:.1f}" if result.intervals else f"{100 * result.deviations[name]:.1f}"
        rows.append((name, f"{value:.1f}", sure))
    rows.append(("mAP, trapezoidal", f"{100 * result.mAP_trapezoid:.1f}", ""))
    rows += [
        (f"TPR at FPR {point.false_positive_rate:.0e}", f"{100 * point.true_positive_rate:.1f}", "")
        for point in (result.evidence.roc.points if result.evidence.roc else ())
    ]
    show_table(("score", "%", "95 % interval over identities" if result.intervals else "± over draws"), rows)
    _say_unscored(result)


def _say_unscored(result: "RetrievalResult") -> None:
    if count := len(result.without_right_answer):
        say(f"{count} queries have no match in the gallery under {result.protocol} and are not scored")


def show_baselines(result: "RetrievalResult") -> None:
    """Print the scores beside those of the baselines."""
    rows = [(baseline.name, baseline.rank_1, baseline.mAP, "") for baseline in result.evidence.baselines]
    rows.append(("the network, searched and trained", result.rank(1), result.mAP, "bold"))
    cells = [
        [Styled(words, style) for words in (name, f"{100 * rank_1:.1f}", f"{100 * mAP:.1f}")]
        for name, rank_1, mAP, style in rows
    ]
    show_table(("", "rank-1 %", "mAP %"), cells)


def show_camera_pairs(results: "Sequence[RetrievalResult]") -> None:
    """Print the scores of each query camera against each gallery camera, a table per result."""
    for result, name in zip(results, _names_of(results), strict=True):
        say(f"{', '.join(name)}, by cameras:")
        rows = [
            (pair.query_camera, pair.gallery_camera, str(pair.queries), f"{100 * pair.rank_1:.1f}", f"{100 * pair.mAP:.1f}")
            for pair in result.evidence.camera_pairs
        ]
        cameras = (Column("query camera", folds=True), Column("gallery camera", folds=True))
        show_table((*cameras, "queries", "rank-1 %", "mAP %"), rows)


def show_differences(differences: Sequence[tuple[str, str, str]]) -> None:
    """Print what differs between two results."""
    show_table(("differs", Column("then", folds=True), Column("now", folds=True)), differences)


def show_findings(splits: "ReidSplits", findings: "Sequence[Finding]") -> None:
    """Print what the doctor found, the worst first."""
    show_sizes(splits)
    if not findings:
        say("Nothing is wrong with it")
        return
    example, reason = Column("for example", folds=True), Column("why it matters, and what to do", widest=SENTENCE)
    rows = []
    for found in findings:
        mark = Styled("spoils", "bold red") if found.spoils else Styled("note", "yellow")
        more = ["..."] if found.count > len(found.examples) else []
        words = f"{found.why}: {found.advice}"
        rows.append((mark, found.name, str(found.count), "\n".join([*found.examples, *more]), words))
    show_table(("", "found", "how many", example, reason), rows, ruled=True)


def show_sizes(splits: "ReidSplits") -> None:
    """Print the number of images in each split, and how its folders or tables were understood."""
    sizes = [f"{len(getattr(splits, name))} {name}" for name in ("train", "validation", "query", "gallery")]
    say(f"{splits.name}: {', '.join(sizes)} images")
    if splits.understood:
        say(f"  {splits.understood}")


def show_left_out(skipped: "Sequence[Skipped]") -> None:
    """Print the first files that were left out, and the number of the others."""
    for one in skipped[:3]:
        say(f"  left out {one.path}: {one.reason}")
    if len(skipped) > 3:
        say(f"  and {len(skipped) - 3} more left out")
