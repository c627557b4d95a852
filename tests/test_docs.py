"""What README and docs tell a reader to type works as it stands, only on fewer images and with smaller networks."""

import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import msinet
from msinet.cli.app import main, make_app

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(console|bash|python)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"(?:\]\(|src=\"|srcset=\")(?!https?:|#)([^)#\"]+)")

FEWER = {
    "--trials": "8",
    "--identities": "12",
    "--cameras": "2",
    "--size": "24",
    "--epochs": "1",
    "--small-epochs": "0",
    "--workers": "0",
}
RATE = "0.2"
"""Rate of a calibration, which few identities can show."""
LAUNCHERS = ("torchrun", "accelerate", "srun")
ONLY_READ = ("experiments.md", "scaling.md", "service.md")
"""Pages whose commands take hours, clusters or a service that runs: only their words are checked."""
TRANSLATED = "README.zh-CN.md"


def lines_of(block: str) -> list[str]:
    """The commands of a block, without comments; a backslash joins lines, && parts them."""
    joined = block.replace("\\\n", " ").replace("&&", "\n")
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def blocks_of(page: Path, *kinds: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind in kinds]


def msinet_words(line: str) -> list[str] | None:
    """The words after msinet in a line of a shell, None where it is not called."""
    words = shlex.split(line, comments=True)
    starts = [i for i, word in enumerate(words) if word == "msinet"]
    return words[starts[0] + 1 :] if starts else None


def crops(folder: Path) -> None:
    """Fill a folder with images of 24 identities in 2 cameras, no two alike."""
    random = np.random.default_rng(0)
    for identity in range(24):
        color = random.integers(0, 256, 3)
        for camera in ("c1", "c2"):
            (folder / f"v{identity:02}" / camera).mkdir(parents=True)
            for number in range(2):
                pixels = (random.integers(0, 256, (8, 8, 3)) + color) // (2 if camera == "c1" else 4)  # the other is dark
                image = Image.fromarray(pixels.astype(np.uint8)).resize((40, 40), Image.Resampling.NEAREST)
                image.save(folder / f"v{identity:02}" / camera / f"{number}.png")


@pytest.fixture
def desk(tmp_path, monkeypatch, tiny_recipe):
    """A folder with some datasets, where searches and trainings from Python are tiny."""
    for name in ("my-crops", "more-crops", "DATA"):
        crops(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(msinet, "search", smaller(msinet.search, msinet.SearchSettings(), tiny_recipe["search"]))
    monkeypatch.setattr(msinet, "train", smaller(msinet.train, msinet.TrainSettings(), tiny_recipe["train"]))
    return tmp_path


def smaller(function: Callable, defaults: Any, tiny: Mapping[str, Any]) -> Callable:
    """Return a search or a training with the same parameters that takes tiny settings."""

    @wraps(function)
    def call(*arguments, settings=None, **options):
        return function(*arguments, settings=replace(settings or defaults, **tiny), **options)

    return call


def run(words: list[str], recipe: Mapping[str, Mapping[str, Any]]) -> None:
    for before, word in enumerate(words[1:]):
        if words[before] in FEWER:
            words[before + 1] = min(word, FEWER[words[before]], key=float)
        if words[before] == "--rate":
            words[before + 1] = RATE
    with pytest.raises(SystemExit) as stop:
        main(words, recipe)
    assert not stop.value.code, f"msinet {' '.join(words)}"


def check_other_command(line: str) -> None:
    """What is not msinet names files, targets and extras that are there."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.M), line
    elif words[0] == "head":
        assert Path(words[-1]).is_file(), line
    elif words[0] == "python" and words[1] != "-m":
        assert (ROOT / words[1]).is_file(), line
    elif words[:2] == ["pip", "install"]:
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert {extra for named in re.findall(r"\[(.*?)\]", line) for extra in named.split(",")} <= set(extras), line


@pytest.mark.long
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in (*ONLY_READ, TRANSLATED)], ids=lambda page: page.name
)
def test_a_page_does_what_it_says(page, desk, tiny_recipe):
    names = {"__name__": "__main__"}
    for kind, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            exec(compile(block, f"{page.name}, python", "exec"), names)
        for line in lines_of(block) if kind == "console" else ():
            words = msinet_words(line)
            if not words:
                check_other_command(line)
            elif words[0] not in ("demo", "serve"):  # test_demo.py, tests/serve
                run(words, tiny_recipe)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name in ONLY_READ], ids=lambda page: page.name)
def test_the_commands_of_a_page_are_understood(page):
    for block in blocks_of(page, "console", "bash"):
        for line in lines_of(block):
            if words := msinet_words(re.sub(r"\$\(.*?\)", "1", line)):
                words = [word.replace("$SLURM_ARRAY_TASK_ID", "1") for word in words]
                make_app().parse_args(words, exit_on_error=False, print_error=False)
            elif line.split()[0] not in LAUNCHERS:
                check_other_command(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_of_a_page_are_there(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_both_readmes_tell_the_same_commands():
    english, chinese = (blocks_of(ROOT / name, "console", "python") for name in ("README.md", TRANSLATED))
    plain = [[[line.partition("#")[0].strip() for line in lines_of(block)] for block in page] for page in (english, chinese)]
    assert plain[0] == plain[1]
