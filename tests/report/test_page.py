"""The page as a browser sees it."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from msinet.errors import FileError, ResultError
from msinet.evaluation.result import RetrievalResult
from msinet.report import charts
from msinet.report.page import load_result, write_report

BEFORE = Path(__file__).parent.parent / "before" / "run"


class Reader(HTMLParser):
    """Collects what a browser would fetch, and whether elements are closed."""

    VOID = frozenset(("meta", "img", "br", "hr", "link", "input", "path", "use", "rect", "circle", "image"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(page):
    reader = Reader()
    reader.feed(page)
    return reader


@pytest.fixture
def rewritten(folder, tmp_path):
    """Return a function that changes the result of a folder without logs, and returns its page."""

    def write(change) -> str:
        change(RetrievalResult.load(folder / "result.json")).save(tmp_path / "result.json")
        return write_report(tmp_path, ()).read_text(encoding="utf-8")

    return write


def changed_query(result: RetrievalResult, **changes) -> RetrievalResult:
    """Return the result with another image as the query of its first ranking."""
    first, *others = result.evidence.rankings
    return result.with_evidence(rankings=(replace(first, query=replace(first.query, **changes)), *others))


def test_the_page_needs_nothing_else(read, page):
    assert read.open == []
    assert all(source.startswith(("data:", "#")) for source in read.sources)
    assert "<script" not in page
    assert not re.search(r"@import|url\((?!#)", page)


def test_the_page_is_small(folder):
    assert (folder / "report.html").stat().st_size < 5_000_000


def test_scores_are_those_of_the_result(folder, read):
    result, text = RetrievalResult.load(folder / "result.json"), " ".join(read.text)
    for name, value in result.table():
        assert f"{value:.1f}" in text
        assert f"{name}, %" in text


def test_every_part_is_there(read):
    text = " ".join(read.text)
    for part in ("Data", "Architecture", "Search", "Training", "Scores", "Ranked images", "Cameras"):
        assert part in read.text
    assert "million parameters" in text
    assert "images a second" in text
    assert "Scores on the validation identities" in text
    assert re.search(r"AP \d+ %", text)


def test_baselines_stand_beside_the_trained_network(folder, read):
    result = RetrievalResult.load(folder / "result.json")
    where = read.text.index("colour histogram")
    lines = [text for text in read.text[where : where + 8] if text.strip()]
    scores = [f"{100 * score:.1f}" for score in (result.rank(1), result.mAP)]
    assert lines[:6] == ["colour histogram", "12.5", "25.0", "the network, trained", *scores]


def test_matches_non_matches_and_junk_are_marked_as_in_the_result(folder, page):
    rankings = RetrievalResult.load(folder / "result.json").evidence.rankings
    verdicts = [answer.verdict for ranking in rankings for answer in ranking.answers]
    for verdict in ("match", "non-match", "junk"):
        assert page.count(f'class="shot {verdict}"') == verdicts.count(verdict)


def test_colours_follow_the_page(page):
    assert "currentColor" in page
    assert charts.INK not in page
    assert "prefers-color-scheme: dark" in page


def test_names_cannot_break_the_page(rewritten):
    """A label is text, whatever stands in it."""

    def change(result):
        data = replace(result.record.data, name="<script>alert(1)</script>")
        return changed_query(result.with_record(data=data), identity='"><img src=x onerror=alert(1)>')

    text = rewritten(change)
    assert "<script" not in text
    assert "<img src=x" not in text


def test_a_search_s_file_cannot_break_the_page(folder, tmp_path):
    for name in ("result.json", "search.jsonl", "architecture.json"):
        shutil.copy(folder / name, tmp_path)
    said = json.loads((tmp_path / "architecture.json").read_text())
    evil = "<script>alert(1)</script>"
    said |= {"findings": [evil], "doubts": [evil]}
    said["choices"][0]["rival"] = evil
    (tmp_path / "architecture.json").write_text(json.dumps(said))
    text = write_report(tmp_path, ()).read_text(encoding="utf-8")
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 3


def test_gains_of_trials_stand_in_the_page_with_their_errors(folder, tmp_path):
    for name in ("result.json", "search.jsonl", "architecture.json"):
        shutil.copy(folder / name, tmp_path)
    said = json.loads((tmp_path / "architecture.json").read_text())
    said["choices"][0] |= {"gain": -0.0031, "error": 0.0054}
    said["choices"][1] |= {"gain": 0.0131, "error": 0.0054}
    (tmp_path / "architecture.json").write_text(json.dumps(said))
    text = write_report(tmp_path, ()).read_text(encoding="utf-8")
    assert '<td class="number soft">-0.31 ± 0.54</td>' in text
    assert '<td class="number">+1.31 ± 0.54</td>' in text


def test_names_that_are_not_utf_8_are_shown_by_their_bytes(rewritten):
    def change(result):
        data = replace(result.record.data, name="s\udcb3t")
        return changed_query(
            result.with_record(data=data), identity="\udcb3\udcb5001", camera="caf\udce9", path="/lost/\udcff.jpg"
        )

    text = rewritten(change)
    assert all(seen in text for seen in (r"s\xb3t", r"\xb3\xb5001", r"caf\xe9", r"\xff.jpg is gone"))


def test_images_that_are_gone_are_named(rewritten):
    assert "lost.jpg is gone" in rewritten(lambda result: changed_query(result, path="/nowhere/lost.jpg"))


def test_a_scoring_alone_has_a_page(rewritten):
    text = rewritten(lambda result: result.with_evidence(rankings=(), similarities=None, roc=None, camera_pairs=()))
    assert "<h2>Search</h2>" not in text
    assert "Cumulative matching curve" in text


def test_a_result_of_embeddings_has_a_page_without_a_network(rewritten):
    text = rewritten(lambda result: result.with_record(model=None))
    assert "<h2>Architecture</h2>" not in text
    assert "<h2>Scores</h2>" in text


def test_a_result_of_the_version_before_has_a_page(tmp_path):
    shutil.copy(BEFORE / "result.json", tmp_path)
    assert "<h2>Ranked images</h2>" in write_report(tmp_path, ()).read_text(encoding="utf-8")


def test_a_result_that_names_no_data_is_an_error(rewritten):
    with pytest.raises(ResultError, match="does not name the data that was scored"):
        rewritten(lambda result: result.with_record(data=None))


def test_a_folder_without_a_result_is_named(tmp_path):
    with pytest.raises(ResultError, match=r"there is no .*result\.json: pass a folder"):
        load_result(tmp_path)


def test_a_damaged_log_is_named(folder, tmp_path):
    shutil.copy(folder / "result.json", tmp_path)
    (tmp_path / "train.jsonl").write_text(json.dumps({"epoch": 1, "loss": 1.0}) + "\n{")
    with pytest.raises(FileError, match=r"cannot read .*train\.jsonl"):
        write_report(tmp_path, ())
