"""The experiment on the worth of the search, with networks that learn nothing in seconds."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

import msinet

SCRIPT = Path(__file__).parent.parent / "examples" / "search_worth.py"
TINY = "image_height = 32\nimage_width = 32\nwidth = 0.25\nepochs = 1\nidentities_per_batch = 4\nimages_per_identity = 2\n"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("search_worth", SCRIPT)
    assert spec and spec.loader
    module = sys.modules["search_worth"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    assert len(re.findall(r"of 2 searched architectures, .* above (?:0|25|50|75|100) %; luck", said)) == 2
    assert said.count("n = 3") == 2
    made_from = json.loads((tmp_path / "out/searches/odd-1/architecture.json").read_text())["made_from"]
    assert (made_from["contrast"], made_from["seed"], made_from["validation_share"]) == ("shared", 1, 0.2)


def test_other_settings_want_another_folder(script, words, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [*words, "--part", "5/12"])  # one training
    script.main()
    (tmp_path / "tiny.toml").write_text(f"[search]\n{TINY}[train]\n{TINY}erasing = 0.1\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="made with other settings: choose another --out"):
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


def test_every_variant_of_the_script_is_one_of_the_search(script):
    for changes in script.VARIANTS.values():
        msinet.SearchSettings(**changes)
