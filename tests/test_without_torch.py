"""The base installation has no PyTorch: it embeds and scores by files, and says in a line what else needs."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
from tests.onnx_file import write_mean_colour

from msinet.cli.app import GROUPS, VERBS

MISSING = 'torch is missing: pip install "msinet[train]"'

REFUSE = """
import sys

class Refuser:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "accelerate"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuser())
"""

COMMANDS = """
import contextlib, io, json, sys
from msinet.cli.app import main

done = {}
for command in json.loads(sys.argv[1]):
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(command.split())
        except SystemExit as stop:
            code = stop.code or 0
    done[command] = (code, out.getvalue(), err.getvalue(), "torch" in sys.modules)
print(json.dumps(done))
"""

NAMES = """
import json
import msinet

predictor, splits = msinet.Predictor("colour.onnx"), msinet.load_splits("manifest.csv")
vectors = msinet.embed(predictor, [record.path for record in splits.gallery])
embeddings = msinet.embed(predictor, splits.gallery)
scores = [
    msinet.evaluate(predictor, splits).mAP,
    msinet.evaluate_embeddings(embeddings.of(splits.query), embeddings.of(splits.gallery)).mAP,
]
refused = {}
for name in msinet.__all__:
    try:
        getattr(msinet, name)
    except Exception as error:
        refused[name] = f"{type(error).__name__}: {error}"
print(json.dumps([vectors.vectors.shape, scores, refused]))
"""


class Done(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str
    loaded_torch: bool


EMBED, EVALUATE = "embed manifest.csv --model colour.onnx --out v.npz", "evaluate manifest.csv --model colour.onnx"
WORK = [
    EMBED,
    f"{EVALUATE} --rerank --camera-pairs --json r.json",
    "rerun r.json --out again",
    "evaluate --embeddings v.npz --camera-pairs",
    "evaluate manifest.csv --embeddings v.npz",
    "data check manifest.csv",
    "models",
    "info",
]
"""Commands that need no PyTorch, in an order in which each finds its files."""

IN_GROUPS = [f"{group} {verb}" for group, (_, verbs) in GROUPS.items() for verb in verbs]
HELP = ["--help", *(f"{verb} --help" for verb in (*VERBS, *IN_GROUPS))]

REFUSED = [
    "search manifest.csv --out o",
    "train manifest.csv --architecture msmt17 --out o",
    "run manifest.csv --out o",
    "adapt manifest.csv --model msinet-vehicles-small --out o",
    "demo --out o",
    "convert a.pth --out o",
    "report .",
    "export --model msinet-vehicles-small --out a.onnx",
    "embed manifest.csv --model msinet-vehicles-small --out o.npz",
    "evaluate manifest.csv --model msinet-vehicles-small",
    "evaluate manifest.csv --model msinet-vehicles-small --model colour.onnx",
    "evaluate manifest.csv --model torch:a.pt2",
    "evaluate --embeddings v.npz --device cuda",
    "experiment search-worth manifest.csv --out o",
]
"""Commands that need PyTorch."""


@pytest.fixture(scope="module")
def python(make_splits, tmp_path_factory) -> Callable[..., Any]:
    """Return a function that runs Python in a folder with a table of images and a network, and returns what it printed."""
    folder = tmp_path_factory.mktemp("base")
    rows = [f"{record.path},{record.identity},{record.camera},test" for record in make_splits().gallery]
    (folder / "manifest.csv").write_text("\n".join(["path,identity,camera,split", *rows]), encoding="utf-8")
    (folder / "a.pt2").write_bytes(b"PK")
    write_mean_colour(folder / "colour.onnx")

    def run(code: str, *words: str) -> Any:
        done = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def commands(python) -> Mapping[str, Done]:
    """What each command leaves where there is no PyTorch."""
    found = python(REFUSE + COMMANDS, json.dumps([*WORK, *HELP, *REFUSED]))
    return {command: Done(*left) for command, left in found.items()}


@pytest.mark.parametrize("command", [*WORK, *HELP])
def test_a_command_without_a_network_of_pytorch_needs_none(commands, command):
    done = commands[command]
    assert (done.code, "error" in done.err) == (0, False), done.err
    assert done.out


@pytest.mark.parametrize("command", REFUSED)
def test_a_command_that_needs_pytorch_says_so_in_a_line(commands, command):
    done = commands[command]
    assert (done.code, done.err) == (1, f"error: {MISSING}\n")


def test_a_result_names_the_packages_that_are_there(python, commands):
    assert commands[WORK[1]].code == 0
    versions = python("import json; print(json.dumps(json.load(open('r.json'))['record']['versions']))")
    assert {"msinet", "numpy", "onnxruntime"} <= set(versions)
    assert "openvino" not in versions


def test_names_of_predictors_and_scores_need_no_pytorch_and_the_others_say_so(python):
    shape, scores, refused = python(REFUSE + NAMES)
    assert (shape, scores[0]) == ([16, 3], scores[1])
    assert set(refused.values()) == {f"MissingExtraError: {MISSING}"}
    assert refused.keys() == {
        *("Architecture", "MSINet", "Machine", "Network", "Adapted", "Searched", "Trained"),
        *("adapt", "load_model", "load_published", "save_model", "search", "train"),
    }


def test_pytorch_is_not_loaded_where_it_is_there_and_a_file_embeds(python):
    for left in python(COMMANDS, json.dumps([EMBED, EVALUATE])).values():
        done = Done(*left)
        assert (done.code, done.loaded_torch) == (0, False), done.err
