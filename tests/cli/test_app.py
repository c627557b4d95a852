import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msinet import recipes
from msinet.architecture_search.settings import SearchSettings
from msinet.cli.app import GROUPS, VERBS, main
from msinet.evaluation.protocols import PROTOCOLS
from msinet.training.settings import TrainSettings


@pytest.fixture(scope="module")
def tiny(tiny_recipe):
    """Options of a search or a training of one epoch."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in tiny_recipe["train"].items()]


@pytest.fixture(scope="module")
def table(make_splits, tmp_path_factory):
    """A CSV table of painted images, with splits."""
    splits = make_splits()
    path = tmp_path_factory.mktemp("table") / "manifest.csv"
    rows = [f"{r.path},{r.identity},{r.camera},train" for r in splits.train]
    rows += [f"{r.path},{r.identity},{r.camera},test" for r in splits.gallery]
    path.write_text("\n".join(["path,identity,camera,split", *rows]), encoding="utf-8")
    return str(path)


def run(*tokens: str) -> int:
    """Return the exit code of a command."""
    with pytest.raises(SystemExit) as stop:
        main(tokens)
    return int(stop.value.code or 0)


def test_run_leaves_what_it_promises(table, tmp_path, tiny_recipe):
    recipe = tmp_path / "tiny.toml"
    lines = [f"{name}.{key} = {value}" for name, values in tiny_recipe.items() for key, value in values.items()]
    recipe.write_text("\n".join(lines), encoding="utf-8")
    assert run("run", table, "--out", str(tmp_path / "out"), "--recipe", str(recipe), "--train.epochs", "2") == 0
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written >= {"architecture.json", "model.safetensors", "model.json", "result.json", "search.jsonl", "train.jsonl"}
    assert len((tmp_path / "out/train.jsonl").read_text().splitlines()) == 2
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["queries"] == 16
    assert result["protocol"] == "market"


@pytest.fixture(scope="module")
def tiny_run(table, tmp_path_factory, tiny):
    """The folder of a finished run, to be read."""
    out = tmp_path_factory.mktemp("run") / "out"
    both = [f"--{work}.{option[2:]}" for work in ("search", "train") for option in tiny]
    assert run("run", table, "--out", str(out), "--init=none", "--recipe=small-data", "--search.trials=8", *both) == 0
    return out


def test_a_run_can_be_repeated_from_its_result(tiny_run, tmp_path, capsys):
    """Bit for bit, on one machine."""
    assert run("rerun", str(tiny_run / "result.json"), "--out", str(tmp_path / "again")) == 0
    assert "to the last digit" in capsys.readouterr().out
    for name in ("model.safetensors", "result.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tiny_run / name).read_bytes()


def test_a_repetition_that_scores_otherwise_says_where(tiny_run, tmp_path, capsys):
    result = json.loads((tiny_run / "result.json").read_text())
    result["mAP"] += 0.01
    result["record"]["versions"]["torch"] = "1.0"
    (tmp_path / "other.json").write_text(json.dumps(result))
    assert run("rerun", str(tmp_path / "other.json"), "--out", str(tmp_path / "again")) == 1
    shown = capsys.readouterr()
    assert "mAP" in shown.out and "1.0" in shown.out
    assert "the scores are not those of" in shown.err


def test_a_scoring_can_be_repeated_and_changed_data_is_named(table, tiny_run, tmp_path, capsys):
    scored, moved = str(tmp_path / "scored.json"), tmp_path / "moved.csv"
    assert run("evaluate", table, "--model", str(tiny_run), "--json", scored) == 0
    assert run("rerun", scored, "--out", str(tmp_path / "again")) == 0
    moved.write_text("\n".join(Path(table).read_text().splitlines()[:-1]))
    assert run("rerun", scored, "--out", str(tmp_path / "again"), "--data", str(moved)) == 1
    assert "the data has changed" in capsys.readouterr().err


def test_a_result_without_a_command_cannot_be_repeated(tiny_run, tmp_path, capsys):
    result = json.loads((tiny_run / "result.json").read_text())
    result["record"]["command"] = None
    (tmp_path / "other.json").write_text(json.dumps(result))
    assert run("rerun", str(tmp_path / "other.json"), "--out", str(tmp_path / "again")) == 1
    assert "this result records no command" in capsys.readouterr().err


def test_the_steps_one_by_one(table, tmp_path, tiny):
    out = str(tmp_path)
    assert run("search", table, "--out", out, "--trials=20", *tiny) == 0
    assert run("train", table, "--architecture", f"{out}/architecture.json", "--out", out, *tiny) == 0
    assert run("evaluate", table, "--model", out, "--json", f"{out}/r.json", "--camera-pairs") == 0
    assert run("embed", table, "--model", out, "--out", f"{out}/e.npz", "--split", "gallery") == 0
    assert json.loads((tmp_path / "r.json").read_text())["gallery"] == 16


def test_a_search_says_what_speaks_against_it(table, tmp_path, capsys, tiny):
    """After one epoch nothing is decided."""
    assert run("search", table, "--out", str(tmp_path), "--space=published", "--trials=0", *tiny) == 0
    assert "warning: The alphas did not decide" in capsys.readouterr().err


def test_a_search_of_several_budgets_says_what_it_found_and_names_their_files(table, tmp_path, capsys, tiny):
    budgets = ["--budgets", "1M", "1G"]
    assert run("search", table, "--out", str(tmp_path), "--space=scales", "--trials=20", *budgets, *tiny) == 0
    printed = capsys.readouterr().out
    assert "multiply-adds for an image of 32 x 32." in printed
    for name in ("architecture-1M.json", "architecture-1G.json"):
        assert name in printed
        assert (tmp_path / name).is_file()


def test_shards_are_together_all_images(tiny_run, table, tmp_path):
    parts = [tmp_path / f"{number}.npz" for number in (1, 2, 3)]
    for number, part in enumerate(parts, 1):
        assert run("embed", table, "--model", str(tiny_run), "--out", str(part), "--shard", f"{number}/3") == 0
    assert run("embed", table, "--model", str(tiny_run), "--out", str(tmp_path / "all.npz")) == 0
    whole, *shards = (np.load(path) for path in (tmp_path / "all.npz", *parts))
    for name in ("path", "identity", "camera"):
        np.testing.assert_array_equal(np.concatenate([shard[name] for shard in shards]), whole[name])
    np.testing.assert_allclose(np.concatenate([shard["vectors"] for shard in shards]), whole["vectors"], atol=1e-5)


@pytest.mark.parametrize("shard", ["0/3", "4/3", "3", "a/b", "-1/3"])
def test_a_shard_that_is_none_is_refused(tiny_run, table, tmp_path, capsys, shard):
    assert run("embed", table, "--model", str(tiny_run), "--out", str(tmp_path / "e.npz"), f"--shard={shard}") == 2
    assert f"--shard is {shard}: write which of how many" in " ".join(capsys.readouterr().err.split())


def test_an_unreadable_image_is_left_out_and_named(tiny_run, tmp_path, capsys):
    good = [tmp_path / "query.png", tmp_path / "gallery.png"]
    for path in good:
        Image.new("RGB", (20, 20)).save(path)
    (tmp_path / "bad.png").write_bytes(b"no image")
    table = tmp_path / "table.csv"
    rows = ["path,identity,split", "query.png,a,query", "gallery.png,a,gallery", "bad.png,b,gallery"]
    table.write_text("\n".join(rows), encoding="utf-8")
    assert run("embed", str(table), "--model", str(tiny_run), "--out", str(tmp_path / "e.npz")) == 0
    assert "bad.png" in capsys.readouterr().out
    assert np.load(tmp_path / "e.npz")["path"].tolist() == [str(path) for path in good]


def test_options_win_over_the_recipe(table, tmp_path, tiny):
    assert run("train", table, "--architecture=msmt17", f"--out={tmp_path}", "--recipe=small-data", *tiny) == 0
    made_from = json.loads((tmp_path / "model.json").read_text())["info"]["made_from"]
    assert (made_from["epochs"], made_from["optimizer"]) == (1, "adamw")  # the option's, the recipe's


@pytest.mark.parametrize(
    ("tokens", "code", "words"),
    [
        (["train", "/nowhere", "--architecture=msmt17", "--out=x"], 1, "there is no /nowhere"),
        (["train", "TABLE", "--architecture=resnet", "--out=x"], 2, "choose from msmt17, veri776"),
        (["train", "TABLE", "--architecture=msmt17", "--out=x", "--epochs=0"], 2, "--epochs is 0: it must be at least 1"),
        (["search", "TABLE", "--out=x", "--identities-per-batch=500"], 2, "--identities-per-batch is 500, but only"),
        (["search", "TABLE", "--out=x", "--recipe=cake"], 2, "--recipe is cake: choose one of veri776"),
        (["search", "TABLE", "--out=x", "--recipe=veri776", "--trials=5"], 2, "--trials is 5: give 0, or 8 at least"),
        (
            ["search", "TABLE", "--out=x", "--recipe=veri776", "--budget-macs=5M"],
            2,
            "it needs --trials, 8 with --trial-weights",
        ),
        (["search", "TABLE", "--out=x", "--budget-macs=5M"], 2, "--identities-per-batch is 16, but only"),
        (
            ["search", "TABLE", "--out=x", "--budgets", "5M", "9M", "--fit-width"],
            2,
            "--identities-per-batch is 16, but only",
        ),
        (
            ["run", "TABLE", "--out=x", "--init=none", "--search.budget-ms=5"],
            2,
            "give both the same, such as --search.width",
        ),
        (["search", "TABLE", "--out=x", "--budget-macs=2Q"], 2, "could not convert '2Q' to a number: write 200M, 1.5G or"),
        (["search", "TABLE", "--out=x", "--budgets"], 2, "--budgets requires at least 1 element"),
        (["experiment", "search-worth", "TABLE", "--out=x", "--others"], 2, "--others requires at least 1 element"),
        (["search", "TABLE", "--out=x", "--budgets", "5M", "2Q"], 2, "could not convert '2Q' to a number: write 200M"),
        (["search", "TABLE", "--out=x", "--trials=20", "--budget-macs=-1"], 2, "--budget-macs is -1.0: it must be positive"),
        (["search", "TABLE", "--out=x", "--space=wide"], 2, 'Invalid value "wide" for --space'),
        (["evaluate", "TABLE", "--model=nowhere"], 1, "pass the folder that msinet train wrote"),
    ],
)
def test_errors_say_what_to_do(table, tmp_path, monkeypatch, capsys, tokens, code, words):
    monkeypatch.chdir(tmp_path)
    assert run(*(table if token == "TABLE" else token for token in tokens)) == code
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "budget", ["budget_macs = 1e9", 'budget_macs = "1G"', "budgets = [1e6, 1_000_000_000]", "budgets = []"]
)
def test_recipes_name_budgets_in_numbers_and_in_words(table, tmp_path, capsys, budget):
    """What is wrong is only that there are too few identities."""
    (tmp_path / "r.toml").write_text(f"[search]\ntrials = 20\n{budget}\n", encoding="utf-8")
    assert run("search", table, f"--out={tmp_path}", f"--recipe={tmp_path}/r.toml") == 2
    assert "--identities-per-batch is 16, but only" in " ".join(capsys.readouterr().err.split())


def test_recipe_with_an_unknown_setting_is_refused(table, tmp_path, capsys):
    (tmp_path / "r.toml").write_text("[train]\nepoch = 3\n", encoding="utf-8")
    assert run("train", table, "--architecture=msmt17", f"--out={tmp_path}", f"--recipe={tmp_path}/r.toml") == 2
    assert "epoch" in capsys.readouterr().err


CHOSEN = "Using --recipe small-data: 32 training images, fewer than 5000; --recipe veri776 gives the published settings"


def test_run_on_few_images_takes_the_recipe_for_small_data(table, tmp_path, capsys):
    """The painted images are too few even for that: it says so at once."""
    assert run("run", table, f"--out={tmp_path}", "--seed=1", "--device=cpu") == 2
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == CHOSEN
    assert "--train.identities-per-batch is 32, but only 8" in " ".join(captured.err.split())


@pytest.mark.parametrize("verb", [["search"], ["train", "--architecture=msmt17"]])
def test_search_and_training_take_the_recipe_that_run_takes(table, tmp_path, capsys, tiny, verb):
    few = ["--trials=20"] if verb == ["search"] else []
    assert run(*verb, table, f"--out={tmp_path}", *few, *tiny) == 0
    assert capsys.readouterr().out.splitlines()[0] == CHOSEN
    file = tmp_path / ("architecture.json" if verb == ["search"] else "model.json")
    values = json.loads(file.read_text())
    made_from = values.get("made_from") or values["info"]["made_from"]
    recipe = recipes.load_recipe("small-data")["search" if verb == ["search"] else "train"]
    names = ("schedule", "optimizer", "color_jitter", "learning_rate")
    assert [made_from[name] for name in names] == [recipe[name] for name in names]
    assert (made_from["epochs"], made_from["small_epochs"]) == (1, 0)  # Options win.


@pytest.mark.parametrize("verb", [["search"], ["train", "--architecture=msmt17"]])
def test_many_images_take_the_published_settings(table, tmp_path, capsys, tiny, monkeypatch, verb):
    monkeypatch.setattr(recipes, "FEW_IMAGES", 32)
    assert run(*verb, table, f"--out={tmp_path}", *tiny) == 0
    assert capsys.readouterr().out.startswith("Using --recipe veri776: the published settings, for 32 training images; ")
    published = SearchSettings() if verb == ["search"] else TrainSettings()
    values = json.loads((tmp_path / ("architecture.json" if verb == ["search"] else "model.json")).read_text())
    made_from = values.get("made_from") or values["info"]["made_from"]
    for name in ("schedule", "optimizer", "learning_rate", "weight_decay", "warmup_epochs", "color_jitter", "erasing"):
        assert made_from[name] == getattr(published, name)


def test_a_named_recipe_is_taken_in_silence(table, tmp_path, capsys, tiny):
    assert run("train", table, "--architecture=msmt17", f"--out={tmp_path}", "--recipe=veri776", *tiny) == 0
    assert "--recipe" not in capsys.readouterr().out
    assert json.loads((tmp_path / "model.json").read_text())["info"]["made_from"]["optimizer"] == "sgd"


def test_a_folder_of_a_run_with_other_settings_says_what_differs(table, tmp_path, capsys, tiny):
    command = ["train", table, "--architecture=msmt17", f"--out={tmp_path}", *tiny]
    assert run(*command, "--recipe=veri776") == 0
    assert run(*command) == 1
    assert "optimizer: sgd -> adamw" in capsys.readouterr().err
    assert run(*command, "--recipe=veri776") == 0


def test_no_help_needs_torch():
    verbs = [*VERBS, *(f"{group} {verb}" for group, (_, those) in GROUPS.items() for verb in those)]
    code = f"""
import sys
import msinet.cli.app as app
for verb in {["", *verbs]}:
    try:
        app.main([*verb.split(), "--help"])
    except SystemExit as stop:
        assert not stop.code, verb
    assert "torch" not in sys.modules, verb
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_help_lists_every_verb_by_its_first_sentence(capsys):
    assert run("--help") == 0
    words = " ".join(capsys.readouterr().out.split())
    assert all(verb in words for verb in (*VERBS, *GROUPS))
    assert "Train an architecture on the data." in words
    assert "Stopped and started again" not in words


@pytest.mark.parametrize("tokens", [["train"], ["run", "x", "--out=y", "--epochz=3"], ["cake"], ["data", "cake"]])
def test_wrong_usage_is_one_line_and_code_2(capsys, tokens):
    assert run(*tokens) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_data_make_writes_what_the_other_commands_read(tmp_path, capsys, tiny):
    world = str(tmp_path / "world")
    small = ["--identities=12", "--cameras=2", "--size=24", "--city=night", "--processes=1"]
    assert run("data", "make", world, *small) == 0
    assert "24 images of 12 vehicles, 9 train, 3 test" in capsys.readouterr().out
    assert run("train", world, "--architecture=veri776", f"--out={tmp_path / 'out'}", *tiny) == 0
    assert run("data", "make", world, *small, "--seed=1") == 1
    assert "seed: 0 instead of 1" in capsys.readouterr().err


def test_data_make_says_which_setting_cannot_be(tmp_path, capsys):
    assert run("data", "make", str(tmp_path / "world"), "--difficulty=3") == 2
    assert "--difficulty is 3.0" in capsys.readouterr().err
    assert not (tmp_path / "world").exists()


def test_data_make_names_the_extra_that_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "embreex.rtcore_scene", None)
    for name in [name for name in sys.modules if name.startswith("msinet.world.")]:
        monkeypatch.delitem(sys.modules, name)
    assert run("data", "make", str(tmp_path / "world")) == 1
    assert 'pip install "msinet[demo]"' in capsys.readouterr().err


def test_data_check_ends_with_1_where_something_spoils(table, tmp_path, capsys):
    assert run("data", "check", table) == 0
    assert "note" in capsys.readouterr().out.split()
    lines = Path(table).read_text(encoding="utf-8").splitlines()
    path, identity, camera, _ = lines[1].split(",")
    worse = tmp_path / "worse.csv"
    worse.write_text("\n".join([*lines, f"{path},{identity},{camera},test", f"{path}.gone,v999,c0,train"]), encoding="utf-8")
    capsys.readouterr()
    assert run("data", "check", str(worse), "--json") == 1
    report = json.loads(capsys.readouterr().out)
    spoiling = {finding["name"] for finding in report["findings"] if finding["spoils"]}
    assert spoiling == {"identities in both train and test", "same image in train and test", "missing images"}


def test_models_and_data_sets_meet_in_one_table(tiny_run, table, tmp_path, capsys):
    again = tmp_path / "again"
    again.mkdir()
    for name in ("model.safetensors", "model.json"):
        (again / name).write_bytes((tiny_run / name).read_bytes())
    scored = tmp_path / "scores.json"
    models = ["--model", str(tiny_run), "--model", str(again)]
    protocols = ["--protocol", "market", "--protocol", "no-camera"]
    assert run("evaluate", table, table, *models, *protocols, "--json", str(scored)) == 0
    results = json.loads(scored.read_text())["results"]
    assert [result["protocol"] for result in results] == 4 * ["market", "no-camera"]
    assert [Path(r["record"]["command"]["model"]).name for r in results] == 2 * ["out", "out", "again", "again"]
    assert "again" in capsys.readouterr().out


def test_embeddings_are_scored_with_and_without_the_data(tiny_run, table, tmp_path):
    vectors = str(tmp_path / "e.npz")
    assert run("embed", table, "--model", str(tiny_run), "--out", vectors) == 0
    scores = []
    for name, data in (("with.json", [table]), ("without.json", [])):
        assert run("evaluate", *data, "--embeddings", vectors, "--json", str(tmp_path / name)) == 0
        scores.append(json.loads((tmp_path / name).read_text())["mAP"])
    expected = json.loads((tiny_run / "result.json").read_text())["mAP"]
    assert scores == [pytest.approx(expected, abs=1e-6)] * 2


@pytest.mark.parametrize("options", [[], ["--model=m", "--embeddings=e.npz"]])
def test_either_a_model_or_embeddings_are_scored(table, options):
    assert run("evaluate", table, *options) == 2


def test_training_for_another_domain_scores_both(table, tmp_path, capsys, tiny):
    """The other one has an image less, and stands in a file of the same name."""
    out, target = tmp_path / "out", tmp_path / Path(table).name
    rows = Path(table).read_text(encoding="utf-8").splitlines()
    target.write_text("\n".join(rows[:-1]), encoding="utf-8")
    assert run("train", table, "--architecture=veri776", "--out", str(out), "--target", str(target), *tiny) == 0
    results = json.loads((out / "targets.json").read_text())["results"]
    assert [result["record"]["command"]["data"] for result in results] == [table, str(target)]
    assert results[0]["gallery"] == results[1]["gallery"] + 1
    assert "targets.json" in capsys.readouterr().out


def test_a_target_that_cannot_be_scored_is_said_before_the_training(table, tmp_path, capsys, tiny):
    rows = Path(table).read_text(encoding="utf-8").splitlines()
    (tmp_path / "train.csv").write_text("\n".join(row for row in rows if not row.endswith(",test")), encoding="utf-8")
    target, out = str(tmp_path / "train.csv"), tmp_path / "out"
    assert run("train", table, "--architecture=veri776", "--out", str(out), "--target", target, *tiny) == 1
    assert "nothing to score" in capsys.readouterr().err
    assert not out.exists()


def test_the_help_of_evaluate_lists_every_protocol(capsys):
    assert run("evaluate", "--help") == 0
    words = capsys.readouterr().out
    for name in PROTOCOLS:
        assert f"{name}:" in words
