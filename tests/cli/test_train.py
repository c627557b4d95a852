"""`msinet train`: other networks than MSINet, and architectures that were searched for a budget."""

import json
import sys

import pytest

from msinet.cli.app import main
from msinet.model.msinet.architecture import Architecture


@pytest.fixture(scope="module")
def table(make_splits, tmp_path_factory):
    """A CSV table of painted training images."""
    path = tmp_path_factory.mktemp("table") / "manifest.csv"
    rows = [f"{record.path},{record.identity},{record.camera},train" for record in make_splits().train]
    path.write_text("\n".join(["path,identity,camera,split", *rows]), encoding="utf-8")
    return str(path)


@pytest.fixture
def train(table, tiny_recipe, tmp_path, capsys):
    """Return a function that trains for one epoch and returns the exit code, what was printed and the card."""
    tiny = [f"--{name.replace('_', '-')}={value}" for name, value in tiny_recipe["train"].items()]

    def run(*tokens: str) -> tuple[int, str, dict]:
        with pytest.raises(SystemExit) as stop:
            main(["train", table, f"--out={tmp_path / 'out'}", *tiny, *tokens])
        captured, card = capsys.readouterr(), tmp_path / "out" / "model.json"
        words = " ".join((captured.out + captured.err).split())
        return int(stop.value.code or 0), words, json.loads(card.read_text()) if card.exists() else {}

    return run


def test_osnet_is_trained(train):
    code, _, card = train("--network=osnet")
    assert (code, card["kind"], card["arguments"]["channels"]) == (0, "osnet", [16, 64, 96, 128])
    assert card["info"]["made_from"]["architecture"] == {"network": "osnet"}


def test_a_network_of_timm_is_trained(train):
    pytest.importorskip("timm", reason="timm is missing: pip install msinet[timm]")
    code, _, card = train("--network=timm:mobilenetv3_small_050")
    assert (code, card["kind"], card["arguments"]["backbone"]) == (0, "timm", "mobilenetv3_small_050")


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["--network=osnet", "--architecture=msmt17"], "given are --architecture, which is of MSINet, and --network"),
        (["--network=resnet"], "--network is 'resnet': choose one of osnet, timm; MSINet is given by its architecture"),
        (["--network=msinet"], "--network is 'msinet': choose one of osnet, timm"),
        (["--network=osnet:small"], "there is no osnet:small"),
        (["--network=timm"], "timm is many networks: name one"),
        ([], "another network by --network, or a model to start from by --init"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_is_wrong_usage(train, tokens, words):
    code, said, card = train(*tokens)
    assert (code, card) == (2, {})
    assert words in said


def test_a_missing_timm_is_named_before_the_data_is_read(train, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    code, said, _ = train("--network=timm:resnet18")
    assert code == 1
    assert 'timm is missing: pip install "msinet[timm]"' in said
    assert "identities" not in said


@pytest.mark.parametrize(
    ("made_from", "words"),
    [
        (
            {"budget_macs": 5e6, "image_height": 32, "image_width": 48},
            "counts its network at --width 0.5 --image-width 48: give",
        ),
        ({"budgets": [5e6], "image_height": 32, "image_width": 32}, "counts its network at --width 0.5: give the same"),
        ({"budget_macs": None, "budgets": [], "image_height": 96}, None),
    ],
    ids=str,
)
def test_sizes_at_which_a_budget_does_not_count_are_told(train, tmp_path, made_from, words):
    """The training has 32x32 pixels and a quarter of the width."""
    Architecture.uniform("none").save(tmp_path / "a.json", width=0.5, made_from=made_from)
    code, said, _ = train(f"--architecture={tmp_path / 'a.json'}")
    assert code == 0
    assert words in said if words else "give the same" not in said
