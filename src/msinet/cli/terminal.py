"""The terminal: progress bars, tables, errors. The only place that prints."""

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

from msinet.progress import listen

if TYPE_CHECKING:
    from msinet.architecture_search.search import Searched
    from msinet.data.doctor.troubles import Finding
    from msinet.data.records import ReidSplits, Skipped
    from msinet.evaluation.result import RetrievalResult
    from msinet.model.msinet.architecture import Architecture

FIRST = os.environ.get("RANK", "0") == "0"
"""Whether this is the first of several processes under torchrun or accelerate launch: only the first prints and writes, and
all print their errors."""

COMPARED = ("rank-1", "rank-5", "mAP", "mINP")
"""Scores of several results side by side; more would not fit into 80 columns."""

out_console = Console(highlight=False, quiet=not FIRST)
bar_console = Console(stderr=True, highlight=False, quiet=not FIRST)
error_console = Console(stderr=True, highlight=False)


class Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        """Draw the rate."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class TerminalBar:
    """One of rich's progress bars."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self.progress, self.task = progress, task

    def advance(self, count: int = 1, **values: float) -> None:
        """Move the bar and show values such as the loss."""
        self.progress.update(self.task, advance=count)
        if values:
            self.progress.update(self.task, values="  ".join(f"{name} {value:.3f}" for name, value in values.items()))


class TerminalBars:
    """A listener that shows progress as bars."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def begin(self, what: str, total: int | None, done: int = 0) -> TerminalBar:
        """Open a bar."""
        self.progress.start()
        return TerminalBar(self.progress, self.progress.add_task(what, total=total, completed=done, values=""))


@contextmanager
def bars() -> Iterator[bool]:
    """Show progress as bars with rate, time left and values, on standard error. Yield whether this process may write."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    progress = Progress(*columns, TextColumn("{task.fields[values]}"), console=bar_console)
    try:
        with listen(TerminalBars(progress)):
            yield FIRST
    finally:
        if progress.tasks:  # Without bars, rich would print an empty line.
            progress.stop()


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
        values = result.scores.by_name()
        scores = [f"{100 * values[score]:.1f}{_spread(result, score)}" for score in COMPARED]
        table.add_row(Text("\n".join(name)), str(result.queries), str(result.gallery), *scores)
    out_console.print(table)
    spread = ", ± over draws" if any(result.deviations for result in results) else ""
    say(f"Scores in %{spread}{_done_before(results[0])}")
    for result in results:
        _say_unscored(result)


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
    table = Table("score", "%", "95 % interval over identities" if result.intervals else "± over draws")
    for name, value in result.table():
        low, high = (100 * bound for bound in result.intervals.get(name, (0, 0)))
        sure = f"{low:.1f} to {high:.1f}" if result.intervals else f"{100 * result.deviations[name]:.1f}"
        table.add_row(name, f"{value:.1f}", sure)
    table.add_row("mAP, trapezoidal", f"{100 * result.mAP_trapezoid:.1f}", "")
    for point in result.evidence.roc.points if result.evidence.roc else ():
        table.add_row(f"TPR at FPR {point.false_positive_rate:.0e}", f"{100 * point.true_positive_rate:.1f}", "")
    out_console.print(table)
    _say_unscored(result)


def _say_unscored(result: "RetrievalResult") -> None:
    if count := len(result.without_right_answer):
        say(f"{count} queries have no match in the gallery under {result.protocol} and are not scored")


def show_baselines(result: "RetrievalResult") -> None:
    """Print the scores beside those of the baselines."""
    table = Table("", "rank-1 %", "mAP %")
    for baseline in result.evidence.baselines:
        table.add_row(baseline.name, f"{100 * baseline.rank_1:.1f}", f"{100 * baseline.mAP:.1f}")
    table.add_row(
        "the network, searched and trained", f"{100 * result.rank(1):.1f}", f"{100 * result.mAP:.1f}", style="bold"
    )
    out_console.print(table)


def show_camera_pairs(results: "Sequence[RetrievalResult]") -> None:
    """Print the scores of each query camera against each gallery camera, a table per result."""
    for result, name in zip(results, _names_of(results), strict=True):
        say(f"{', '.join(name)}, by cameras:")
        table = Table("query camera", "gallery camera", "queries", "rank-1 %", "mAP %")
        for pair in result.evidence.camera_pairs:
            scores = (f"{100 * score:.1f}" for score in (pair.rank_1, pair.mAP))
            table.add_row(pair.query_camera, pair.gallery_camera, str(pair.queries), *scores)
        out_console.print(table)


def show_differences(differences: Sequence[tuple[str, str, str]]) -> None:
    """Print what differs between two results."""
    table = Table("differs", "then", "now")
    for row in differences:
        table.add_row(*row)
    out_console.print(table)


def show_findings(splits: "ReidSplits", findings: "Sequence[Finding]") -> None:
    """Print what the doctor found, the worst first."""
    show_sizes(splits)
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


def show_sizes(splits: "ReidSplits") -> None:
    """Print the number of images in each split."""
    sizes = [f"{len(getattr(splits, name))} {name}" for name in ("train", "validation", "query", "gallery")]
    say(f"{splits.name}: {', '.join(sizes)} images")


def show_left_out(skipped: "Sequence[Skipped]") -> None:
    """Print the first files that were left out, and the number of the others."""
    for one in skipped[:3]:
        say(f"  left out {one.path}: {one.reason}")
    if len(skipped) > 3:
        say(f"  and {len(skipped) - 3} more left out")


def show_doubts(searched: "Searched") -> None:
    """Print what speaks against the result of a search, on standard error."""
    for doubt in searched.doubts:
        bar_console.print(Text("warning: ", "bold yellow").append(doubt, "default"), soft_wrap=True)


def say(text: str) -> None:
    """Print a line as it is."""
    out_console.print(text, markup=False, soft_wrap=True)


def say_aside(text: str) -> None:
    """Print a line on standard error."""
    bar_console.print(text, markup=False, soft_wrap=True)


def show_error(text: str) -> None:
    """Print what went wrong, as it is, on standard error."""
    error_console.print(Text("error: ", "bold red").append(text, "default"), soft_wrap=True)
