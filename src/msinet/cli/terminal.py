"""The terminal: lines, tables and errors. With `bars.py` the only place that prints."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column as TableColumn
from rich.table import Table
from rich.text import Text

from msinet.files.text import LEGIBLE, legible

FIRST = os.environ.get("RANK", "0") == "0"
"""Whether this is the first of several processes under torchrun or accelerate launch: only the first prints and writes, and
all print their errors."""

FOLDED = 16
"""Smallest width in columns of a cell whose words may be broken."""

# Labels are no markup: [red] and :car: are shown as they are.
out_console = Console(highlight=False, markup=False, emoji=False, quiet=not FIRST)
bar_console = Console(stderr=True, highlight=False, markup=False, emoji=False, quiet=not FIRST)
error_console = Console(stderr=True, highlight=False, markup=False, emoji=False)


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    folds: bool = False
    """Whether its words may be broken, as paths and labels may, of any length."""
    widest: int | None = None
    """Largest width in columns, for sentences."""


class Styled(NamedTuple):
    """Text in a style of rich's."""

    text: str
    style: str


def write_legibly() -> None:
    """Let standard output and standard error write what their encoding lacks in ASCII, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=LEGIBLE)


def say(text: str) -> None:
    """Print a line as it is."""
    out_console.print(_text(text, out_console), soft_wrap=True)


def say_aside(text: str) -> None:
    """Print a line on standard error."""
    bar_console.print(_text(text, bar_console), soft_wrap=True)


def show_warning(text: str) -> None:
    """Print what speaks against a result, as it is, on standard error."""
    bar_console.print(Text.assemble(("warning: ", "bold yellow"), _text(text, bar_console)), soft_wrap=True)


def show_error(text: str) -> None:
    """Print what went wrong, as it is, on standard error."""
    error_console.print(Text.assemble(("error: ", "bold red"), _text(text, error_console)), soft_wrap=True)


def show_table(columns: Sequence[Column | str], rows: Sequence[Sequence[Styled | str]], ruled: bool = False) -> None:
    """Print a table in which no cell loses a character.

    A terminal that is too narrow for its words gets a list: a line per cell. A pipe or a file gets a table as wide as its
    cells are, so that paths stay whole, unless the variable COLUMNS says how wide it is.

    Args:
        columns: the columns, or their names.
        rows: cells of each row; a cell may have several lines.
        ruled: draw a line between rows.
    """
    columns = [Column(column) if isinstance(column, str) else column for column in columns]
    cells = [[_text(cell, out_console) for cell in row] for row in rows]
    widths = _widths(columns, cells)
    if not widths:
        _show_list(columns, cells)
        return
    heads = (TableColumn(c.name, width=width, overflow="fold") for c, width in zip(columns, widths, strict=True))
    table = Table(*heads, show_lines=ruled)
    for row in cells:
        table.add_row(*row)
    frame = 3 * len(columns) + 1
    console = out_console if _room() else Console(markup=False, emoji=False, quiet=not FIRST, width=sum(widths) + frame)
    console.print(table)


def _room() -> int | None:
    """Return the width of standard output in columns; None where it is a pipe or a file, and nobody says its width."""
    return out_console.width if out_console.is_terminal or "COLUMNS" in os.environ else None


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> list[int]:
    """Return the widths of the cells in columns; none where their words do not fit beside each other."""
    widths, least = [], []
    for place, column in enumerate(columns):
        texts = [column.name, *(row[place].plain for row in rows)]
        word = max(cell_len(word) for text in texts for word in (text.split() or [""]))
        line = max(cell_len(line) for text in texts for line in text.split("\n"))
        widths.append(max(word, min(line, column.widest or line), 1))
        least.append(min(widths[-1], max(FOLDED, cell_len(column.name)) if column.folds else max(word, 1)))
    room = _room()
    if room is None:
        return widths
    room -= 3 * len(columns) + 1
    while sum(widths) > room:
        shrinkable = [place for place, width in enumerate(widths) if width > least[place]]
        if not shrinkable:
            return []
        widths[max(shrinkable, key=widths.__getitem__)] -= 1
    return widths


def _show_list(columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> None:
    """Print a line per cell, which the terminal folds by itself, and an empty one after each row."""
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            if cell.plain:
                name = Text(f"{column.name}: " if column.name else "")
                out_console.print(name.append(Text("\n  ").join(cell.split("\n"))), soft_wrap=True)
        out_console.print()


def _text(text: Styled | str, console: Console) -> Text:
    """Return text of users as a terminal can show it."""
    words, style = text if isinstance(text, Styled) else (text, "")
    return Text(legible(words, console.encoding), style)
