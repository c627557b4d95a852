from dataclasses import replace

import pytest

from msinet.evaluation.evidence import DrawFacts
from msinet.evaluation.result import RetrievalResult
from msinet.report.facts import head_of


@pytest.fixture(scope="module")
def result(folder):
    return RetrievalResult.load(folder / "result.json")


def test_each_score_has_its_interval(result):
    tiles = {tile.name: tile.uncertainty for tile in head_of(result, result.record.data).tiles}
    low, high = result.intervals["mAP"]
    assert tiles["mAP"] == f"{100 * low:.1f} to {100 * high:.1f}"


def test_means_over_draws_have_a_standard_deviation(result):
    drawn = replace(result, scores=replace(result.scores, deviations={"mAP": 0.0125}))
    head = head_of(drawn.with_evidence(draws=DrawFacts(10, "f")), result.record.data)
    assert {tile.name: tile.uncertainty for tile in head.tiles}["mAP"] == "± 1.2"
    assert "standard deviation over 10 draws of the gallery" in head.rules


def test_rules_name_protocol_sizes_and_what_was_left_out(result):
    left_out = replace(result, scores=replace(result.scores, without_right_answer=("a", "b")))
    rules = head_of(left_out, result.record.data).rules
    assert rules.startswith("24 queries, 24 in the gallery, protocol market.")
    assert "2 queries without a match are not scored." in rules


def test_facts_name_the_settings_and_the_machine(result):
    facts = {fact.name: fact.value for fact in head_of(result, result.record.data).facts}
    assert facts["weights"] == result.record.model.weights
    assert "epochs 2" in facts["settings of the training"]
    assert "device cpu" in facts["machine"]
    assert "before ranking" not in facts  # nothing was done there
