"""The experiment on the worth of the search, with networks that learn nothing in seconds."""

import json
import re
import sys

import numpy as np
import pytest

import msinet
from msinet.evaluation.metrics import PerQuery, RetrievalResult

TINY = "image_height = 32\nimage_width = 32\nwidth = 0.25\nepochs = 1\nidentities_per_batch = 4\nimages_per_identity = 2\n"


@pytest.fixture(scope="module")
def script(load_example):
    return load_example("search_worth")


@pytest.fixture
def words(make_splits, tmp_path):
    """What the command line says, but for its part."""
    splits = make_splits(train=12, test=3)
    rows = [f"{r.path},{r.identity},{r.camera},train" for r in splits.train]
    rows += [f"{r.path},{r.identity},{r.camera},test" for r in splits.gallery]
    (tmp_path / "data.csv").write_text("\n".join(["path,identity,camera,split", *rows]), encoding="utf-8")
    (tmp_path / "tiny.toml").write_text(f"[search]\n{TINY}[train]\n{TINY}", encoding="utf-8")
    command = f"search_worth.py {tmp_path}/data.csv --recipe {tmp_path}/tiny.toml --out {tmp_path}/out --seeds 0 1"
    return f"{command} --random 2 --others all:none --device cpu --variant published --variant odd contrast=shared".split()


@pytest.mark.long
def test_two_parts_do_the_whole_work_once(script, words, tmp_path, monkeypatch, capsys):
    for part in ("0/2", "1/2"):
        monkeypatch.setattr(sys, "argv", [*words, "--part", part])
        script.main()
    capsys.readouterr()
    monkeypatch.setattr(msinet, "train", None)  # what is done is not done again
    monkeypatch.setattr(sys, "argv", words)
    script.main()
    said = capsys.readouterr().out
    trained = {name: int(count) for name, count in re.findall(r"^\| (.+?) \| (\d+) \|", said, re.M)}
    assert trained == {"published": 2, "odd": 2, "random, all 2": 4, "all:none": 2, "random:0": 2, "random:1": 2}
    assert "c0 to c1" in said
    assert len(re.findall(r"of 2 searched architectures, .* above (?:0|25|50|75|100) %; drawing", said)) == 2
    assert said.count("n = 3") == 2
    made_from = json.loads((tmp_path / "out/searches/odd-1/architecture.json").read_text())["made_from"]
    assert (made_from["contrast"], made_from["seed"], made_from["validation_share"]) == ("shared", 1, 0.2)


def test_other_settings_want_another_folder(script, words, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [*words, "--part", "5/12"])  # one training
    script.main()
    (tmp_path / "tiny.toml").write_text(f"[search]\n{TINY}[train]\n{TINY}erasing = 0.1\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="made with other settings or data: choose another --out"):
        script.main()


def test_architectures_that_are_asked_for_later_are_scored_by_the_supernet_too(script, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(msinet, "search", lambda *_: None)
    monkeypatch.setattr(script, "train", lambda *_: None)
    monkeypatch.setattr(script, "supernet_scores", lambda _, __, them, **___: asked.append(len(them)) or [0.5] * len(them))
    for others in (["all:none"], ["all:none", "random:0"], ["random:0"]):
        experiment = script.Experiment(
            msinet.ReidSplits("d"), {"search": {}}, {"published": {}}, [0], others, 0.2, {}, tmp_path
        )
        script.search_and_train(experiment, "published", 0)
    assert asked == [1, 1]
    assert set(json.loads((tmp_path / "searches/published-0/supernet.json").read_text())) == {"all:none", "random:0"}


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_parts_are_together_all_jobs(script, parts):
    jobs = list(range(11))
    assert sorted(job for part in range(parts) for job in script.share(jobs, f"{part}/{parts}")) == jobs


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["shared"], {"contrast": "shared"}),
        (["mine", "contrast=shared", "alpha_learning_rate=0.05", "balanced=true", "alpha_milestones=[3, 4]"],
         {"contrast": "shared", "alpha_learning_rate": 0.05, "balanced": True, "alpha_milestones": [3, 4]}),
    ],
)  # fmt: skip
def test_variants(script, words, found):
    assert script.variant(*words) == (words[0], found)


def test_an_unknown_variant_says_what_there_is(script):
    with pytest.raises(SystemExit, match="published, shared"):
        script.variant("cake")


@pytest.mark.parametrize("change", ["balanced=False", "balanced=1", "alpha_learning_rate=.1", "epochs=ten", "cake=1"])
def test_a_value_that_the_setting_does_not_take_is_refused(script, change):
    with pytest.raises(SystemExit, match=change):
        script.variant("mine", change)


def test_what_the_searched_ones_are_compared_with(script, tmp_path):
    """By hand: the seeds' random architectures have mAP 10, 20 and 30, 50; the searched ones 25 and 40."""
    alphas = {0: [[1.0, 0.0, 0.5, 1.0]], 1: [[2.0, 1.0, 1.5, 2.0]]}
    experiment = script.Experiment(
        msinet.ReidSplits("d"), {}, {"mine": {}}, [0, 1], ["random:0", "random:1", "all:none"], 0.2, {}, tmp_path
    )
    maps = {"random:0": (10, 30), "random:1": (20, 50), "all:none": (90, 90), "mine-0": (25, None), "mine-1": (None, 40)}
    for label, values in maps.items():
        for seed, value in enumerate(values):
            if value is not None:
                file = experiment.result_file(label, seed)
                file.parent.mkdir(parents=True)
                one = PerQuery(("q.jpg",), ("1",), np.ones(1), np.ones(1), np.ones(1))
                RetrievalResult("market", value / 100, 1.0, np.ones(50), 1.0, 1, 1, one).save(file)
    for seed, rows in alphas.items():
        folder = experiment.search_folder(f"mine-{seed}")
        folder.mkdir(parents=True)
        written = {"alphas": {"rows": rows}, "choices": [{"margin": 0.1 + 0.2 * seed}]}
        (folder / "architecture.json").write_text(json.dumps(written), encoding="utf-8")
        (folder / "supernet.json").write_text('{"random:0": 0.1, "random:1": 0.2, "all:none": 0.3}', encoding="utf-8")

    assert "the 3 architectures that nobody searched: 20.0 to 90.0" in script.differing(experiment)
    said = script.standing(experiment, "mine")
    assert "mean mAP 32.5 of 2 searched architectures, 27.5 of the random" in said
    assert "above 75 %" in said
    assert "p = 0.333" in said  # 25 + 40, 25 + 50 and 20 + 50, of nine sums
    said = script.deciding(experiment, "mine")
    assert "margin of the shares 0.200; correlation of two seeds' alphas 1.00" in said
    assert "exchange 1.000, channel_gate 0.500, cross_attention 0.000" in said
    assert "1.00, n = 3" in script.foretelling(experiment, "mine")


def test_every_variant_of_the_script_is_one_of_the_search(script):
    for changes in script.VARIANTS.values():
        msinet.SearchSettings(**changes)
