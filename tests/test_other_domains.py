"""The experiment on other domains: what it asks of a training, and its table."""

import json
from argparse import Namespace

import pytest

import msinet


@pytest.fixture(scope="module")
def script(load_example):
    return load_example("other_domains")


def test_every_alignment_of_the_script_is_one_of_the_training(script):
    found = {name: msinet.TrainSettings(**changes) for name, changes in script.ALIGNMENTS.items()}
    assert len({repr(settings) for settings in found.values()}) == len(found)
    assert found["none"] == msinet.TrainSettings()


def test_each_source_and_alignment_is_a_row_of_what_is_done(script, tmp_path):
    options = Namespace(out=tmp_path, seeds=[0, 1], alignments=["none", "both"], real=None)
    done = {("day", "none", 0): (0.5, 0.25), ("day", "none", 1): (0.7, 0.35), ("night", "both", 1): (0.125, 0.1)}
    for (city, alignment, seed), (rank_1, mean_ap) in done.items():
        folder = script.place(options, seed, city, alignment)
        folder.mkdir()
        scores = {name: {"rank-1": rank_1, "mAP": mean_ap} for name in ("day", "night")}
        (folder / "scores.json").write_text(json.dumps({"scores": scores}), encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in script.table(options).splitlines()]
    spread = "60.0 (50.0-70.0) / 30.0 (25.0-35.0)"
    assert cells[0] == ["trained by", "alignment", "seeds", "to day", "to night"]
    assert cells[2:] == [["day", "none", "2", spread, spread], ["night", "both", "1", "12.5 / 10.0", "12.5 / 10.0"]]
