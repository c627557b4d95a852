"""Scores as they are printed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from msinet.architecture_search.conclusion import OfBudget, Searched
from msinet.cli.tables import show_architecture, show_camera_pairs, show_result, show_results, show_searched
from msinet.data.settings import DataSettings
from msinet.evaluation.evidence import CameraPair, Evidence
from msinet.evaluation.metrics import PerQuery, Scores
from msinet.evaluation.record import DataFacts, EvaluateCommand, Record
from msinet.evaluation.result import RetrievalResult
from msinet.evaluation.settings import ScoringSettings
from msinet.model.msinet.architecture import Architecture


def result(protocol: str = "image-to-track-camera", name: str = "world", **options) -> RetrievalResult:
    """Return a result of one query, whose scores are as wide as scores can be."""
    one = PerQuery(("q.jpg",), ("1",), np.ones(1), np.ones(1), np.ones(1))
    scores = Scores(mAP=1.0, mAP_trapezoid=1.0, mINP=1.0, cmc=(1.0,) * 50, queries=11_579, gallery=128_517)
    data = DataFacts(name, "0", 1, 1, 1, 1, 0)
    record = Record(protocol, data=data, scoring=ScoringSettings(**options))
    return RetrievalResult(scores, one, record, Evidence(camera_pairs=(CameraPair("c1", "c2", 1, 1.0, 1.0),)))


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_the_longest_names_and_numbers_fit_into_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    show_results([result(), result("veri776-index", "VehicleID_V1.0 with a long name")])
    words = shown(capsys)
    assert "…" not in words
    assert all(word in words for word in ("image-to-track-camera", "veri776-index", "VehicleID_V1.0", "128517", "100.0"))


@pytest.mark.parametrize("count", [1, 2])
def test_what_was_done_before_ranking_stands_beside_the_scores(capsys, count):
    show_results(count * [result(flip=True, track_pooling=True, query_expansion=3, rerank=True)])
    done = "with flip, track pooling, query expansion 3, re-ranking (k1 20, k2 6, lambda 0.3)"
    assert done in shown(capsys)


def test_plain_scores_claim_nothing(capsys):
    show_result(result())
    assert "with" not in shown(capsys)


def test_camera_pairs_name_their_protocol(capsys):
    show_camera_pairs([result("market"), result("no-camera")])
    words = shown(capsys)
    assert "world, market, by cameras" in words and "world, no-camera, by cameras" in words


@pytest.mark.parametrize("what", ["model", "data"])
def test_models_and_datasets_of_one_name_are_named_by_their_folders(capsys, what):
    command = EvaluateCommand(Path("data"), DataSettings(), Path("model"))
    commands = [replace(command, **{what: Path(folder)}) for folder in ("runs/a/world", "runs/b/world")]
    show_results([result().with_record(command=command) for command in commands])
    words = "".join(shown(capsys).split())
    assert "runs/a" in words and "runs/b" in words


@pytest.fixture
def scales() -> Architecture:
    """A network of one, two and one cells, with depths of its own."""
    stages = ((("none", "exchange"),), (("none", "none"), ("exchange", "none")), (("cross_attention", "cross_attention"),))
    return Architecture(stages, tuple((i % 3, i % 4) for i in range(8)))


def rows_of(words: str) -> list[list[str]]:
    """Return the cells of a printed table, without its frame."""
    return [[cell.strip() for cell in line.strip("│┃").split("│")] for line in words.splitlines() if line[0] in "│"]


def test_depths_are_printed_where_they_are_not_the_published_ones(capsys, monkeypatch, scales):
    monkeypatch.setenv("COLUMNS", "80")
    show_architecture(scales)
    assert rows_of(shown(capsys)) == [
        ["1", "1", "none, exchange", "0, 1", "0, 1"],
        ["2", "1", "none, none", "2, 0", "2, 3"],
        ["2", "2", "exchange, none", "1, 2", "0, 1"],
        ["3", "1", "cross_attention, cross_attention", "0, 1", "2, 3"],
    ]


def test_published_depths_need_no_words(capsys):
    show_architecture(Architecture.named("veri776"))
    assert rows_of(shown(capsys))[0] == ["1", "1", "exchange, channel_gate"]


def test_a_search_says_what_it_found_the_network_of_each_budget_and_its_doubts(capsys, scales):
    small = Architecture.uniform("none", depths=(0, 0))
    front = {1.5e6: OfBudget(small, 0.125, 2_340_000), 2e8: OfBudget(scales, 1.0, 150_000_000)}
    show_searched(Searched(scales, (), (), ("Beware.",), 0.25, ("It is cheap.",), front))
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == "It is cheap."
    assert captured.err == "warning: Beware.\n"
    first, second = rows_of(captured.out)
    assert first == ["1.5M", "0.125", "2.34M", "no", "architecture-1.5M.json"]
    assert second == ["200M", "1", "150M", "yes", "architecture-200M.json"]


def test_a_search_without_trials_says_nothing_of_them(capsys, scales):
    show_searched(Searched(scales, (), (), ()))
    assert shown(capsys) == ""
