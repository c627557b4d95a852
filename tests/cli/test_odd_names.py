"""Commands on folders whose names are not UTF-8, or hold what terminals take for commands."""

import shutil
from pathlib import Path

import pytest

from msinet.cli.app import main
from msinet.evaluation.result import RetrievalResult

CAMERAS = {"c0": "gate[north]", "c1": "caf\udce9\x1b[1m"}


@pytest.fixture
def folder(make_splits, tmp_path):
    """A folder of painted images, an identity a folder."""
    folder = tmp_path / "s\udcb3t"
    for number, record in enumerate(make_splits(12, 6).records()):
        camera = folder / f"\udcb3\udcb5{record.identity}" / CAMERAS[record.camera]
        try:
            camera.mkdir(parents=True, exist_ok=True)
        except OSError:
            pytest.skip("this disk has no names that are not UTF-8")
        shutil.copy(record.path, camera / f"{number}.png")
    return folder


def run(*tokens: str) -> int:
    """Return the exit code of a command."""
    with pytest.raises(SystemExit) as stop:
        main(tokens)
    return int(stop.value.code or 0)


def test_a_run_ends_with_its_result_and_page(folder, tmp_path, tiny_recipe, capsys):
    tiny = {**tiny_recipe["train"], "validation_share": 0.0}
    both = ["--search.trials=8"]
    both += [f"--{w}.{name.replace('_', '-')}={value}" for w in ("search", "train") for name, value in tiny.items()]
    out = tmp_path / "r\udcffn"
    assert run("run", str(folder), "--out", str(out), "--init=none", "--recipe=small-data", *both) == 0
    printed = capsys.readouterr().out
    assert r"s\xb3t: " in printed and r"r\xffn: report.html" in printed
    result = RetrievalResult.load(out / "result.json")
    assert all(Path(path).is_file() for path in result.per_query.path)
    assert {identity[:2] for identity in result.per_query.identity} == {"\udcb3\udcb5"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert r"\xb3\xb5" in page and "is gone" not in page
    assert run("evaluate", str(folder), "--model", str(out), "--camera-pairs") == 0
    printed = capsys.readouterr().out
    assert r"caf\xe9\x1b[1m" in printed and "gate[north]" in printed


@pytest.mark.parametrize(
    "tokens",
    [("data", "check", "FOLDER/gone"), ("search", "FOLDER", "--out=x", "--cake\udcb3", "1"), ("report", "FOLDER")],
)
def test_errors_name_what_they_speak_of(folder, capsys, tokens):
    assert run(*(token.replace("FOLDER", str(folder)) for token in tokens)) > 0
    assert r"\xb3" in capsys.readouterr().err
