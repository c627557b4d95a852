"""What follows from the trainings of the experiment on the gain of the search, against numbers made by hand."""

import json

import numpy as np
import pytest

from msinet.architecture_search.settings import SearchSettings
from msinet.data.records import ReidSplits
from msinet.evaluation.evidence import CameraPair, Evidence
from msinet.evaluation.metrics import PerQuery, Scores
from msinet.evaluation.record import Record
from msinet.evaluation.result import RetrievalResult
from msinet.experiments.search_worth_plan import Plan, Variant
from msinet.experiments.search_worth_report import report
from msinet.model.msinet.architecture import Architecture
from msinet.training.settings import TrainSettings

RANDOMS = ["random:0", "random:1"]
MAPS = {"random:0": (10, 30), "random:1": (20, 50), "all:none": (90, 90), "mine-0": (25, None), "mine-1": (None, 40)}
"""mAP in % with seeds 0 and 1: of the random architectures, of another one, and of those that were searched."""


@pytest.fixture
def plan(tmp_path):
    randoms, variants = {"random, all 2": RANDOMS}, {"mine": Variant()}
    return Plan(ReidSplits("d"), SearchSettings(), TrainSettings(), variants, [0, 1], randoms, ["all:none"], 0.2, tmp_path)


@pytest.fixture
def done(plan):
    """Write what searches and trainings leave."""
    for label, values in MAPS.items():
        for seed, value in enumerate(values):
            if value is not None:
                result(value / 100).save(plan.result_file(label, seed))
    for seed, rows in enumerate(([[1.0, 0.0, 0.5, 1.0]], [[2.0, 1.0, 1.5, 2.0]])):
        folder = plan.search_folder(f"mine-{seed}")
        folder.mkdir(parents=True)
        columns = ["none", "exchange", "channel_gate", "cross_attention"]
        values = Architecture.uniform("none").to_dict() | {
            "alphas": {"columns": columns, "rows": rows},
            "choices": [{"margin": 0.1 + 0.2 * seed}],
        }
        (folder / "architecture.json").write_text(json.dumps(values), encoding="utf-8")
        scores = '{"random:0": 0.1, "random:1": 0.2, "all:none": 0.3}'
        plan.supernet_file(f"mine-{seed}").write_text(scores, encoding="utf-8")


def result(mean_ap: float) -> RetrievalResult:
    one = PerQuery(("q.jpg",), ("1",), np.ones(1), np.ones(1), np.ones(1))
    pairs = (CameraPair("c0", "c1", 1, mAP=0.5, rank_1=0.25),)
    return RetrievalResult(
        Scores(mean_ap, 1.0, 1.0, (0.75,) * 50, 1, 1), one, Record("market"), Evidence(camera_pairs=pairs)
    )


@pytest.mark.usefixtures("done")
def test_the_table_has_a_row_for_each_kind_and_a_column_for_each_pair_of_cameras(plan):
    lines = report(plan).splitlines()
    assert lines[0] == "| architecture | trainings | c0 to c1 | all |"
    assert lines[2] == ("| mine | 2 | 25.0 (25.0-25.0) / 50.0 (50.0-50.0) | 75.0 (75.0-75.0) / 32.5 (25.0-40.0) |")
    assert [line.split(" | ")[:2] for line in lines[3:7]] == [
        ["| random, all 2", "4"],
        ["| all:none", "2"],
        ["| random:0", "2"],
        ["| random:1", "2"],
    ]


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(
    "sentence",
    [
        "of the 3 architectures without a search: 20.0 to 90.0",
        "mean mAP 32.5 of 2 searched architectures, against 27.5 of the random",
        "they beat 75 % of these",
        "does as well with p = 0.333",  # 25 + 40, 25 + 50 and 20 + 50, of nine sums
        "margin of the shares 0.200; correlation of two seeds' alphas 1.00",
        "from that of none: exchange 1.000, channel_gate 0.500, cross_attention 0.000",
        "with the mAP after training 1.00 (95 % interval over the architectures 1.00 to 1.00), n = 3",
    ],
)
def test_what_the_searched_ones_are_compared_with(plan, sentence):
    assert sentence in report(plan)


def test_nothing_follows_from_nothing(plan):
    assert report(plan) == "nothing is done yet"


def test_of_one_training_there_is_a_row_and_no_more(plan):
    result(0.5).save(plan.result_file("all:none", 0))
    assert report(plan).splitlines()[2:] == ["| all:none | 1 | 25.0 / 50.0 | 75.0 / 50.0 |"]
