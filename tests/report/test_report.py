"""The page, made from a run of minutes shrunk to seconds."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from msinet.engine.run import run
from msinet.engine.settings import SearchSettings, TrainSettings
from msinet.errors import DatasetError
from msinet.evaluation.metrics import RetrievalResult
from msinet.report import charts
from msinet.report.page import write_report
from msinet.report.pictures import contact_sheet

TINY = {
    "image_height": 32,
    "image_width": 32,
    "width": 0.25,
    "epochs": 2,
    "identities_per_batch": 4,
    "images_per_identity": 2,
}


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
def folder(make_splits, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    splits = make_splits(12, 6)
    train = TrainSettings(**TINY, validation_share=0.3, validate_every=1)
    run(splits, SearchSettings(**TINY), train, out)
    write_report(out, splits.gallery)
    return out


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(page):
    reader = Reader()
    reader.feed(page)
    return reader


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
    for part in ("The data", "The architecture", "The search", "The training", "Scores", "Ranked images", "Cameras"):
        assert part in text
    assert "million parameters" in text
    assert "images a second" in text
    assert re.search(r"AP \d+ %", text)


def test_right_wrong_and_junk_are_marked_as_in_the_result(folder, page):
    verdicts = [a["verdict"] for r in RetrievalResult.load(folder / "result.json").info["rankings"] for a in r["answers"]]
    for verdict in ("right", "wrong", "junk"):
        assert page.count(f'class="shot {verdict}"') == verdicts.count(verdict)


def test_a_result_that_names_no_data_is_an_error(folder, tmp_path):
    result = RetrievalResult.load(folder / "result.json")
    del result.info["data"]
    result.save(tmp_path / "result.json")
    with pytest.raises(DatasetError, match="does not say which data was scored"):
        write_report(tmp_path, ())


def test_colours_follow_the_page(page):
    assert "currentColor" in page
    assert charts.INK not in page
    assert "prefers-color-scheme: dark" in page


def test_the_same_result_gives_the_same_charts():
    drawn = [charts.similarities([0, 0.5, 1], [1, 5], [7, 2]) for _ in range(2)]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("same", "different"), [([0, 0, 0, 3], [0, 0, 0, 0]), ([0, 0, 0, 0], [0, 0, 0, 0]), ([1, 0, 0, 3], [0, 2, 0, 0])]
)
def test_histograms_of_little(same, different):
    assert charts.similarities([-1, -0.5, 0, 0.5, 1], same, different).startswith("<svg")


def test_names_cannot_break_the_page(folder, tmp_path, make_splits):
    """A label is text, whatever stands in it."""
    result = json.loads((folder / "result.json").read_text())
    result["info"]["data"]["name"] = "<script>alert(1)</script>"
    result["info"]["rankings"][0]["query"]["identity"] = '"><img src=x onerror=alert(1)>'
    (tmp_path / "result.json").write_text(json.dumps(result))
    text = write_report(tmp_path, ()).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img src=x" not in text


def test_images_that_are_gone_are_named(folder, tmp_path):
    result = json.loads((folder / "result.json").read_text())
    result["info"]["rankings"][0]["query"]["path"] = "/nowhere/lost.jpg"
    (tmp_path / "result.json").write_text(json.dumps(result))
    assert "lost.jpg is gone" in write_report(tmp_path, ()).read_text(encoding="utf-8")


def test_a_scoring_alone_has_a_page(folder, tmp_path):
    result = json.loads((folder / "result.json").read_text())
    del result["info"]["rankings"], result["info"]["similarities"], result["info"]["camera_pairs"]
    (tmp_path / "result.json").write_text(json.dumps(result))
    text = write_report(tmp_path, ()).read_text(encoding="utf-8")
    assert "The search" not in text
    assert "Cumulative matching curve" in text


def test_a_folder_without_a_result_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no .*result\.json: pass a folder"):
        write_report(tmp_path, ())


def test_a_contact_sheet_has_a_column_for_each_camera(make_splits):
    records = make_splits(3, 0, cameras=3).train
    sheet = np.asarray(contact_sheet(records, 2, 10, 50))
    assert sheet.shape == (100, 150, 4)
    assert (sheet[:, :, 3].reshape(2, 50, 3, 50).max((1, 3)) > 0).all()
