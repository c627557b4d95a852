"""A whole search of the space scales against one of the published space: `python benchmarks/search_minutes.py [DATA]`.

Without data, on 600 images of 150 synthetic vehicles.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from paired import Row, write_table

import msinet
from msinet.data.records import ReidSplits

RECIPE = Path(__file__).parent.parent / "examples" / "search_worth.toml"
ROUNDS = 3
SCALES: dict[str, Any] = {"space": "scales", "trials": 8, "trial_weights": "own", "epochs": 8, "finals": 3}


def seconds(splits: ReidSplits, recipe: dict[str, Any], changes: dict[str, Any]) -> float:
    """Return the time of a search."""
    settings = msinet.SearchSettings(**recipe | {"validation_share": 0.2} | changes)
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        msinet.search(splits, settings, out)
        return time.perf_counter() - started


def main(data: str | None = None) -> None:
    """Measure and write the table."""
    recipe = tomllib.loads(RECIPE.read_text())["search"]
    with tempfile.TemporaryDirectory() as folder:
        if data is None:
            world = [sys.executable, "-m", "msinet", "data", "make", "world", "--identities", "200", "--cameras", "4"]
            subprocess.run([*world, "--size", "80", "--difficulty", "0"], check=True, cwd=folder)
        splits = msinet.load_splits(data or f"{folder}/world")
        seconds(splits, recipe, {"epochs": 3})  # fills the cache of images
        taken = [[seconds(splits, recipe, changes) for changes in (SCALES, {})] for _ in range(ROUNDS)]
    note = " : ".join(f"{sorted(column)[ROUNDS // 2]:.0f} s" for column in zip(*taken, strict=True))
    what = "scales, 8 trials of 8 epochs with weights of their own, finals : published, 40 epochs"
    row = Row(what, [scales / published for scales, published in taken], "<= 1.5", note)
    print(row, flush=True)
    words = f"{len(splits.train)} images of {splits.name}, examples/search_worth.toml, in turn. Lower is shorter."
    write_table("A whole search", f"python benchmarks/search_minutes.py {data or ''}".strip(), [row], words)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", help="folder or table of the data; by default synthetic vehicles are made")
    main(parser.parse_args().data)
