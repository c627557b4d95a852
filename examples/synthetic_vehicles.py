"""How hard is the synthetic world? Colour histogram, untrained and trained network on vehicles never seen in training.

    python examples/synthetic_vehicles.py --out runs/world --seeds 0 1 2 --real path/to/other/vehicles

Each seed makes a world, and trains a network, of its own. The networks are scored on `--real` as well, which they never
saw. Stopped and started again, it goes on; what is done is not done twice.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import torch

import msinet
from msinet.engine.recipes import load_recipe
from msinet.engine.runtime import Silence
from msinet.evaluation.colour_histogram import BINS, colour_histograms
from msinet.model.architecture import channels_at
from msinet.whole_files import write_whole
from msinet.world.dataset import make_world
from msinet.world.settings import City, WorldSettings

SYSTEMS = {"histogram": "best colour histogram", "untrained": "untrained network", "trained": "trained network"}


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/world"))
    parser.add_argument("--city", default="day", choices=get_args(City))
    parser.add_argument("--difficulties", type=float, nargs="+", default=[0.0, 0.5, 1.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--identities", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--architecture", default="veri776")
    parser.add_argument("--real", type=Path, help="vehicles on which the trained networks are scored as well")
    options = parser.parse_args()
    for seed in options.seeds:
        for difficulty in options.difficulties:
            score(options, difficulty, seed)
    print(table(options))


def score(options: argparse.Namespace, difficulty: float, seed: int) -> None:
    """Make a world, train on it, and write all scores to scores.json."""
    out = place(options, difficulty, seed)
    asked = {name: str(getattr(options, name)) for name in ("identities", "epochs", "architecture", "real")}
    if (out / "scores.json").is_file() and json.loads((out / "scores.json").read_text())["asked"] == asked:
        return
    world = WorldSettings(identities=options.identities, seed=seed, city=options.city, difficulty=difficulty)
    make_world(out / "data", world, Silence(), 1)
    splits = msinet.load_splits(out / "data")
    size = {"image_height": 80, "image_width": 80}
    recipe = load_recipe("small-data")["train"] | {"epochs": options.epochs, "small_epochs": options.epochs // 2} | size
    settings = msinet.TrainSettings(**recipe, seed=seed)
    architecture = msinet.Architecture.find(options.architecture)
    torch.manual_seed(seed)
    untrained = msinet.MSINet(architecture, 2, channels_at(settings.width), settings.image_size)
    trained = msinet.train(splits, architecture, settings, out)
    histograms = {
        name: msinet.evaluate_embeddings(colour_histograms(splits.query, bins), colour_histograms(splits.gallery, bins))
        for name, bins in BINS.items()
    }
    best = max(histograms, key=lambda name: histograms[name].mAP)
    scores = {
        "histogram": percent(histograms[best]) | {"variant": best},
        "untrained": percent(msinet.evaluate(untrained.eval(), splits)),
        "trained": percent(msinet.evaluate(trained, splits)),
    }
    if options.real:
        scores["real"] = percent(msinet.evaluate(trained, msinet.load_splits(options.real)))
    write_whole(out / "scores.json", json.dumps(scores | {"asked": asked}, indent=2).encode())


def place(options: argparse.Namespace, difficulty: float, seed: int) -> Path:
    """Return the folder of one world."""
    return options.out / f"{options.city}-{difficulty:g}-{seed}"


def percent(result: msinet.RetrievalResult) -> dict[str, float | str]:
    """Return rank-1 and mAP in %."""
    return {"rank-1": 100 * result.rank(1), "mAP": 100 * result.mAP}


def table(options: argparse.Namespace) -> str:
    """Return rank-1 / mAP of each system at each difficulty, as a table in Markdown."""
    shown = SYSTEMS | ({"real": "trained network, on the real vehicles"} if options.real else {})
    lines = ["| difficulty | seeds | " + " | ".join(shown.values()) + " |", "|---" * (len(shown) + 2) + "|"]
    for difficulty in options.difficulties:
        runs = [json.loads((place(options, difficulty, seed) / "scores.json").read_text()) for seed in options.seeds]
        cells = [" / ".join(spread([run[system][name] for run in runs]) for name in ("rank-1", "mAP")) for system in shown]
        lines.append(f"| {difficulty:g} | {len(runs)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """Return the mean, and the range where there is more than one."""
    mean = f"{sum(values) / len(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.1f}-{max(values):.1f})"


if __name__ == "__main__":
    main()
