"""`msinet models`, `msinet adapt`, and `msinet run` and `msinet train` from a model."""

import json

import pytest

from msinet.cli.app import main
from msinet.jobs.choose_start import Start
from msinet.model import zoo
from msinet.model.cards import Card
from msinet.model.model_files import load_model, save_model
from msinet.model.msinet.architecture import Architecture
from msinet.training.train import train


@pytest.fixture(scope="module")
def splits(make_splits):
    return make_splits(train=8)


@pytest.fixture(scope="module")
def table(splits, tmp_path_factory):
    """A CSV table of painted images, with splits."""
    path = tmp_path_factory.mktemp("table") / "manifest.csv"
    rows = [f"{r.path},{r.identity},{r.camera},train" for r in splits.train]
    rows += [f"{r.path},{r.identity},{r.camera},test" for r in splits.gallery]
    path.write_text("\n".join(["path,identity,camera,split", *rows]), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module", autouse=True)
def shipped(splits, train_settings, tmp_path_factory):
    """A model that ships, `msinet-painted`, and nothing else."""
    folder = tmp_path_factory.mktemp("zoo")
    network = train(splits, Architecture.named("msmt17"), train_settings, folder / "run").network
    info = {"lineage": "painted images", "parameters": 1_234_567}
    save_model(network, folder / "zoo" / "msinet-painted", info, "Apache-2.0", half=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, "ZOO", folder / "zoo")
        yield


@pytest.fixture
def run(capsys):
    """Return a function that returns the exit code of a command and what it printed, without line breaks."""

    def run(*tokens: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            main(tokens)
        captured = capsys.readouterr()
        return int(stop.value.code or 0), " ".join((captured.out + captured.err).split())

    return run


def test_models_lists_what_ships(run):
    code, said = run("models")
    assert code == 0
    for words in ("msinet-painted", "1.23M", "32x32", "Apache-2.0", "painted images"):
        assert words in said


def test_a_model_is_adapted_by_its_name(run, table, tmp_path):
    code, said = run("adapt", table, "--model=msinet-painted", f"--out={tmp_path / 'mine'}")
    assert (code, "The model has learned these images: compare both on others" in said) == (0, True)
    network = load_model("msinet-painted")
    network.learned = None
    save_model(network, tmp_path / "other")
    assert run("adapt", table, f"--model={tmp_path / 'other'}", f"--out={tmp_path / 'no'}", "--shrinkage=0")[0] == 2
    code, other = run("adapt", table, f"--model={tmp_path / 'other'}", f"--out={tmp_path / 'adapted'}", "--shrinkage=3")
    assert (code, "mAP on identities that the map was not fitted to" in other) == (0, True)
    assert Card.load(tmp_path / "mine").adapted
    assert Card.load(tmp_path / "adapted").info["adaptation"]["shrinkage"] == 3
    assert run("evaluate", table, "--model", str(tmp_path / "mine"), f"--json={tmp_path / 'r.json'}")[0] == 0
    assert json.loads((tmp_path / "r.json").read_text())["mAP"] > 0


def test_an_adaptation_without_labels_writes_nothing(run, splits, tmp_path):
    table = tmp_path / "few.csv"
    rows = [f"{r.path},{r.identity},{r.camera},train" for r in splits.train[:4]]
    table.write_text("\n".join(["path,identity,camera,split", *rows]), encoding="utf-8")
    code, said = run("adapt", str(table), "--model=msinet-painted", f"--out={tmp_path / 'mine'}")
    assert (code, "needs at least 4 such identities" in said) == (1, True)
    assert not (tmp_path / "mine").exists()


def test_a_run_from_a_model_keeps_its_size_and_scores_each_step(run, table, tmp_path):
    few = ["--train.epochs=1", "--train.identities-per-batch=4", "--device=cpu"]
    code, said = run("run", table, "--init=msinet-painted", f"--out={tmp_path / 'out'}", *few)
    assert code == 0
    assert said.startswith("Using --recipe fine-tune: the model has learned 32 real images")
    for step in ("as it is", "fine-tuned", "report.html"):
        assert step in said
    made_from = Card.load(tmp_path / "out").info["made_from"]
    assert [made_from[name] for name in ("image_height", "width", "init")] == [32, 0.25, "msinet-painted"]
    code, said = run("rerun", str(tmp_path / "out" / "result.json"), f"--out={tmp_path / 'again'}")
    assert (code, "to the last digit" in said) == (0, True)


@pytest.mark.parametrize("words", [[], ["--recipe", "small-data"], ["--recipe=small-data"]])
def test_a_run_on_few_images_starts_from_what_does_better(run, table, tmp_path, monkeypatch, words):
    """Options of the command line count for what follows."""
    start = Start("msinet-painted", "msinet-painted", 0.75, 0.5, 0.01, 20, ())
    monkeypatch.setattr("msinet.jobs.choose_start.choose_start", lambda *given: start)
    few = ["--train.epochs=1", "--train.identities-per-batch=4", "--device=cpu"]
    code, said = run("run", table, f"--out={tmp_path / 'out'}", *words, *few)
    assert code == 0
    assert (
        "Starting from msinet-painted: after a quarter of the epochs and an adaptation, mAP on 20 held-out identities"
        in said
    )
    assert "Using --recipe fine-tune: the model has learned 32 real images" in said
    made_from = Card.load(tmp_path / "out").info["made_from"]
    assert [made_from[name] for name in ("epochs", "image_height", "init")] == [1, 32, "msinet-painted"]


@pytest.mark.parametrize("words", [["--init=none"], ["--search.budget-macs=1M"]])
def test_a_run_searches_where_it_is_told_so(run, table, tmp_path, monkeypatch, tiny_recipe, words):
    """To begin from noise, or for a budget, which no model that ships was made for."""
    monkeypatch.setattr("msinet.jobs.choose_start.choose_start", lambda *given: pytest.fail("compared"))
    tiny = [
        f"--{work}.{name.replace('_', '-')}={tiny_recipe[work][name]}" for work in tiny_recipe for name in tiny_recipe[work]
    ]
    code, said = run("run", table, f"--out={tmp_path / 'out'}", "--recipe=small-data", "--search.trials=8", *tiny, *words)
    assert (code, "architecture.json" in said) == (0, True)


def test_a_model_that_has_learned_no_real_image_is_trained_long(run, table, tmp_path):
    """A recipe that is named takes the size of the model, too; options on the command line override both."""
    few = ["--epochs=1", "--identities-per-batch=4", "--device=cpu"]
    network = load_model("msinet-painted")
    network.learned = None
    save_model(network, tmp_path / "synthetic")
    made_from = []
    for out, words in {
        "a": (),
        "b": ("--recipe=fine-tune",),
        "c": ("--recipe", "fine-tune-long", "--image-height=48"),
    }.items():
        code, said = run("train", table, f"--init={tmp_path / 'synthetic'}", f"--out={tmp_path / out}", *few, *words)
        assert (code, "Using --recipe fine-tune-long" in said) == (0, out == "a")
        made_from.append(Card.load(tmp_path / out).info["made_from"])
    assert [one["image_height"] for one in made_from] == [32, 32, 48]
    assert [one["width"] for one in made_from] == [0.25] * 3
    assert [one["zoom"] for one in made_from] == [0.3, 0, 0.3]


def test_training_from_a_model_of_another_width_is_wrong_usage(run, table, tmp_path):
    few = ["--epochs=1", "--identities-per-batch=4", "--device=cpu", "--width=0.5"]
    code, said = run("train", table, "--init=msinet-painted", f"--out={tmp_path / 'out'}", *few)
    assert code == 2
    assert "--init is msinet-painted, whose tensors have other sizes" in said
    assert said.endswith("set --width to 0.25")
    assert not (tmp_path / "out").exists()
