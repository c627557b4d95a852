"""Lines, errors and tables as a terminal, a narrow one or a pipe gets them."""

import io

import pytest

from msinet.cli import terminal
from msinet.cli.terminal import Column, Styled, say, say_aside, show_error, show_table, show_warning

PATH = "/data/" + 12 * "a-folder-without-blanks/" + "0001_c001.jpg"
LABELS = ["cam[north]", "cam[bold]", "gate[/north]", ":car:", "[link=x]y[/link]", "back\\slash[0]", "é±…"]


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


def table_in(monkeypatch: pytest.MonkeyPatch, columns: int, *table) -> str:
    """Return what a terminal of some columns gets of a table."""
    out = Terminal()
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout", out)
    show_table(*table)
    return out.getvalue()


def cells_of(printed: str) -> list[list[str]]:
    """Return the cells of a printed table, folded ones joined, a row for each rule; of a list, its lines."""
    rows: list[list[str]] = [[]]
    for line in printed.splitlines():
        if line[:1] in "│┃|":
            parts = [part.strip() for part in line[1:-1].replace("┃", "│").split("│")]
            rows[-1] = [a + b for a, b in zip(rows[-1], parts, strict=True)] if rows[-1] else parts
        else:
            rows += [[]] if rows[-1] else []
    return [row for row in rows if row]


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("label", LABELS)
def test_labels_stand_in_a_table_as_they_are(monkeypatch, label, columns):
    assert label in table_in(monkeypatch, columns, [Column("camera", folds=True), "rank-1 %"], [[label, "100.0"]])


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("show", [say, say_aside, show_error, show_warning])
def test_labels_stand_in_a_line_as_they_are(capsys, label, show):
    show(f"left out {label}: no image")
    captured = capsys.readouterr()
    assert f"left out {label}: no image\n" in captured.out + captured.err


def test_a_path_is_folded_and_never_cut(monkeypatch):
    printed = table_in(monkeypatch, 80, ["found", Column("for example", folds=True)], [["missing images", PATH]])
    assert cells_of(printed)[1] == ["missing images", PATH]
    assert "…" not in printed
    assert max(map(len, printed.splitlines())) <= 80


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_word_of_a_table_is_broken_but_paths(monkeypatch, columns):
    """Where they do not fit beside each other, each cell is a line, which the terminal folds itself."""
    heads = ["queries", "gallery", "rank-1", "rank-5", "mAP", "mINP", Column("data", folds=True)]
    row = ["11579", "128517", "100.0", "100.0", "100.0", "100.0", PATH]
    printed = table_in(monkeypatch, columns, heads, [row])
    assert all(word in printed for word in row[:-1])
    assert PATH in "".join(printed.replace("│", " ").split())
    assert "┃" not in printed if columns < 80 else "┃" in printed


def test_a_pipe_gets_whole_paths_unless_columns_are_asked_for(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    table = ["found", Column("for example", folds=True)], [["missing images", PATH]]
    show_table(*table)
    assert f"│ {PATH} │" in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "50")
    show_table(*table)
    folded = capsys.readouterr().out
    assert PATH not in folded and max(map(len, folded.splitlines())) <= 50


def test_sentences_are_wrapped_in_a_pipe_too(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    show_table([Column("why", widest=30)], [["many words " * 20]])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 34


def test_wide_characters_and_escapes_keep_the_frame_straight(monkeypatch):
    printed = table_in(monkeypatch, 80, ["camera", "n"], [["东门", "1"], ["\udcb3\udcb5", "2"], ["a\x1b[1m\t", "3"]])
    assert all(row in printed for row in ("│ 东门       │ 1 │", r"│ \xb3\xb5   │ 2 │", r"│ a\x1b[1m\t │ 3 │"))


def test_lines_of_a_cell_stay_apart(monkeypatch):
    printed = table_in(monkeypatch, 20, [Column("data", folds=True), "queries", "gallery"], [["VeRi\nmarket", "1", "2"]])
    assert printed == "data: VeRi\n  market\nqueries: 1\ngallery: 2\n\n"


def test_a_style_colours_a_cell_and_not_its_text(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    printed = table_in(monkeypatch, 80, ["", "found"], [[Styled("[spoils]", "bold red"), "x"]])
    assert "│ [spoils] │" in printed


def test_only_the_first_process_prints(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(terminal, "FIRST", False)
    monkeypatch.setattr(terminal.out_console, "quiet", True)
    show_table(["a"], [["b"]])
    say("c")
    assert capsys.readouterr().out == ""
