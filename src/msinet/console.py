"""What people see in the terminal: bars, tables, errors. The only place that prints."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from msinet.data.doctor import Finding
    from msinet.data.records import ReidSplits
    from msinet.evaluation.metrics import RetrievalResult
    from msinet.model.architecture import Architecture

FIRST = os.environ.get("RANK", "0") == "0"
"""Of several processes under torchrun or accelerate launch, only the first speaks and writes; all tell their errors."""

COMPARED = ("rank-1", "rank-5", "mAP", "mINP")
"""Scores of several results side by side; more do not fit into 80 columns."""

out_console = Console(highlight=False, quiet=not FIRST)
bar_console = Console(stderr=True, highlight=False, quiet=not FIRST)
error_console = Console(stderr=True, highlight=False)


class Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        """Draw the rate."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class Bars:
    """rich's progress bars, told by the loops."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task: TaskID | None = None

    def start(self, what: str, total: int | None, done: int = 0) -> None:
        """Open a bar."""
        self.task = self.progress.add_task(what, total=total, completed=done, values="")

    def advance(self, **values: float) -> None:
        """Move the bar in hand."""
        assert self.task is not None
        shown = "  ".join(f"{name} {value:.3f}" for name, value in values.items())
        self.progress.update(self.task, advance=1, values=shown)


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Show bars with rate, time left and what the loops tell, on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[values]}"), console=bar_console) as progress:
        yield Bars(progress)


def show_architecture(architecture: "Architecture") -> None:
    """Print the interactions of each cell as a table."""
    table = Table("stage", "cell", "interactions")
    for s, stage in enumerate(architecture.stages, 1):
        for c, cell in enumerate(stage, 1):
            table.add_row(str(s), str(c), ", ".join(cell))
    out_console.print(table)


def show_results(results: "Sequence[RetrievalResult]") -> None:
    """Print one result in full, or several as a table of a row each."""
    if len(results) == 1:
        show_result(results[0])
        return
    names = _names_of(results)
    what = Column("model, data, protocol" if len(names[0]) > 2 else "data, protocol", overflow="fold")
    table = Table(what, "queries", "gallery", *COMPARED, show_lines=True)
    for result, name in zip(results, names, strict=True):
        scores = [f"{100 * result.scores()[score]:.1f}{_spread(result, score)}" for score in COMPARED]
        table.add_row(Text("\n".join(name)), str(result.queries), str(result.gallery), *scores)
    out_console.print(table)
    spread = ", ± over draws" if any(result.deviations for result in results) else ""
    say(f"Scores in %{spread}{_done_before(results[0])}")
    for result in results:
        _say_unscored(result)


def _names_of(results: "Sequence[RetrievalResult]") -> list[list[str]]:
    """Return what tells each result from the others: its model, where there are several, its data and its protocol."""
    commands = [result.info.get("command", {}) for result in results]
    folders = [command.get("model", "") for command in commands]
    models = _told_apart([Path(folder).name for folder in folders], folders)
    several = len(set(models)) > 1
    names = [result.info["data"]["name"] for result in results]
    data = _told_apart(names, [command.get("data", name) for command, name in zip(commands, names, strict=True)])
    return [
        [*([model] if several else []), f"{name} {result.task}".strip(), result.protocol]
        for model, name, result in zip(models, data, results, strict=True)
    ]


def _told_apart(names: list[str], folders: list[str]) -> list[str]:
    """Return the names, or the folders where different ones have one name."""
    return folders if len(set(names)) < len(set(folders)) else names


def _spread(result: "RetrievalResult", score: str) -> str:
    """Return the standard deviation over draws, where there is one, on a line of its own."""
    return f"\n±{100 * result.deviations[score]:.1f}" if score in result.deviations else ""


def _done_before(result: "RetrievalResult") -> str:
    """Return what was done with the embeddings before they were ranked: a score says little without it."""
    scoring = result.info.get("scoring", {})
    words = {
        "flip": "flip",
        "track_pooling": "track pooling",
        "query_expansion": "query expansion {query_expansion}",
        "rerank": "re-ranking (k1 {rerank_neighbours}, k2 {rerank_expansion}, lambda {rerank_keep})",
    }
    done = [text.format(**scoring) for name, text in words.items() if scoring.get(name)]
    return f"; with {', '.join(done)}" if done else ""


def show_result(result: "RetrievalResult") -> None:
    """Print scores as a table, each with its 95 % interval over identities."""
    size = f" {result.task}" if result.task else ""
    say(f"{result.protocol}{size}: {result.queries} queries, {result.gallery} in the gallery{_done_before(result)}")
    table = Table("score", "%", "95 % interval over identities" if result.intervals else "± over draws")
    for name, value in result.table():
        low, high = (100 * bound for bound in result.intervals.get(name, (0, 0)))
        sure = f"{low:.1f} to {high:.1f}" if result.intervals else f"{100 * result.deviations[name]:.1f}"
        table.add_row(name, f"{value:.1f}", sure)
    table.add_row("mAP, trapezoidal", f"{100 * result.mAP_trapezoid:.1f}", "")
    for rate, share in result.info.get("roc", {}).get("tpr_at_fpr", {}).items():
        table.add_row(f"TPR at FPR {rate}", f"{100 * share:.1f}", "")
    out_console.print(table)
    _say_unscored(result)


def _say_unscored(result: "RetrievalResult") -> None:
    if count := len(result.without_right_answer):
        say(f"{count} queries have no right answer in the gallery under {result.protocol} and are not scored")


def show_baselines(result: "RetrievalResult") -> None:
    """Print the scores beside those of what needs no training."""
    table = Table("", "rank-1 %", "mAP %")
    for name, scores in result.info["baselines"].items():
        table.add_row(name, *(f"{100 * scores[score]:.1f}" for score in ("rank-1", "mAP")))
    table.add_row(
        "the network, searched and trained", f"{100 * result.rank(1):.1f}", f"{100 * result.mAP:.1f}", style="bold"
    )
    out_console.print(table)


def show_camera_pairs(results: "Sequence[RetrievalResult]") -> None:
    """Print the scores of each query camera against each gallery camera, a table a result."""
    for result, name in zip(results, _names_of(results), strict=True):
        say(f"{', '.join(name)}, by cameras:")
        table = Table("query camera", "gallery camera", "queries", "rank-1 %", "mAP %")
        for pair in result.info["camera_pairs"]:
            scores = (f"{100 * pair[name]:.1f}" for name in ("rank_1", "mAP"))
            table.add_row(pair["query_camera"], pair["gallery_camera"], str(pair["queries"]), *scores)
        out_console.print(table)


def show_differences(differences: Sequence[tuple[str, str, str]]) -> None:
    """Print what differs between two results."""
    table = Table("differs", "then", "now")
    for row in differences:
        table.add_row(*row)
    out_console.print(table)


def show_findings(splits: "ReidSplits", findings: "Sequence[Finding]") -> None:
    """Print what the doctor found, the worst first."""
    sizes = [f"{len(getattr(splits, name))} {name}" for name in ("train", "validation", "query", "gallery")]
    say(f"{splits.name}: {', '.join(sizes)} images")
    if not findings:
        say("Nothing is wrong with it")
        return
    table = Table("", "found", "how many", "for example", "why it matters, and what to do", show_lines=True)
    for found in findings:
        mark = Text("spoils", "bold red") if found.spoils else Text("note", "yellow")
        more = ["..."] if found.count > len(found.examples) else []
        words = Text(f"{found.why}: {found.advice}")
        table.add_row(mark, Text(found.name), str(found.count), Text("\n".join([*found.examples, *more])), words)
    out_console.print(table)


def say(text: str) -> None:
    """Print a line as it is."""
    out_console.print(text, markup=False, soft_wrap=True)


def say_aside(text: str) -> None:
    """Print a line on standard error."""
    bar_console.print(text, markup=False, soft_wrap=True)


def show_warning(text: str) -> None:
    """Print what speaks against a result, as it is, on standard error."""
    bar_console.print(Text("warning: ", "bold yellow").append(text, "default"), soft_wrap=True)


def show_error(text: str) -> None:
    """Print what went wrong, as it is, on standard error."""
    error_console.print(Text("error: ", "bold red").append(text, "default"), soft_wrap=True)
