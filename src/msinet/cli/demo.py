"""The verb `demo`."""

from pathlib import Path
from typing import Annotated

from msinet.cli.bars import bars
from msinet.cli.options import Out
from msinet.cli.tables import show_baselines
from msinet.cli.terminal import say
from msinet.panels import WORLD


def demo(*, out: Out = Path("runs/demo"), seed: Annotated[int, WORLD] = 0) -> None:
    """Show the whole job on synthetic vehicles, in about eight minutes of one CPU core: make, search, train, score, report.

    Stopped and started again, it resumes.

    Args:
        out: Folder for the vehicles, the network and report.html.
        seed: Seed of vehicles, cameras and network.
    """
    from msinet.jobs.demo import demo as run_demo

    with bars():
        result = run_demo(out, seed)
    show_baselines(result)
    say(f"Scores on vehicles that never appear in training. Open {out / 'report.html'} in a browser. For your own images:")
    say("msinet run FOLDER --out runs/mine, with FOLDER/<identity>/<camera>/*.jpg")
