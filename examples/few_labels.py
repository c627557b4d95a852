"""What few labels are worth: a model adapted to some training identities or fine-tuned on them, and a network from scratch.

Scored on query and gallery. Fine-tuning takes the recipe that fits the model and an adaptation; scratch takes the recipe
small-data, without a search. Stopped and started again, it goes on where it stopped.

python examples/few_labels.py DATA msinet-synthetic-small --identities 10 25 50 100 --draws 3 --train runs/few-labels
"""

import argparse
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

import msinet
from msinet.cli.bars import bars
from msinet.data.records import ReidSplits, identities
from msinet.errors import TrainingError
from msinet.model.initial_weights import architecture_of, learned_images, size_of
from msinet.model.msinet.architecture import Architecture
from msinet.recipes import fine_tuning, load_recipe

SCRATCH = "all:none:1,1x1"
"""Architecture of networks from scratch, the best one without a search: docs/experiments.md."""


def main() -> None:
    """Print the mAP of all queries: mean and range over the draws, for each number of identities."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="Folder or table of labelled images with a training split.")
    parser.add_argument("model", help="Folder of the model, or a name that msinet models lists.")
    parser.add_argument(
        "--identities", type=int, nargs="+", default=[10, 25, 50, 100], help="Numbers of labelled identities."
    )
    parser.add_argument("--draws", type=int, default=3, help="Draws of the labelled identities.")
    parser.add_argument("--train", type=Path, help="Folder of the trainings; by default models are adapted alone.")
    options = parser.parse_args()
    splits, network = msinet.load_splits(options.data), msinet.load_model(options.model)
    print(f"as it is: {msinet.evaluate(network, splits).mAP:.1%}")
    for count in options.identities:
        ways: dict[str, list[float]] = {}
        for draw in range(options.draws):
            some = draw_labels(splits, count, draw)
            ways.setdefault("adapted", []).append(msinet.evaluate(adapted(network, some), splits).mAP)
            if options.train:
                out = options.train / f"{count}-{draw}"
                tuned = train(some, options.model, out / options.model)
                ways.setdefault("fine-tuned, adapted", []).append(msinet.evaluate(adapted(tuned, some), splits).mAP)
                ways.setdefault("scratch", []).append(msinet.evaluate(train(some, None, out / "scratch"), splits).mAP)
        cells = (f"{way} {np.mean(found):.1%} ({min(found):.1%}-{max(found):.1%})" for way, found in ways.items())
        print(f"{count} identities: {', '.join(cells)}", flush=True)


def draw_labels(splits: ReidSplits, count: int, draw: int) -> ReidSplits:
    """Return splits that have some of the training identities alone."""
    chosen = set(np.random.default_rng(draw).choice(identities(splits.train), count, replace=False))
    return replace(splits, train=tuple(record for record in splits.train if record.identity in chosen))


def adapted(network: msinet.Network, splits: ReidSplits) -> msinet.Network:
    """Return a network adapted to the training identities; as it is, where that would not help."""
    with suppress(TrainingError):
        return msinet.adapt(network, splits.train).network
    return network


def train(splits: ReidSplits, init: str | None, out: Path) -> msinet.Network:
    """Train from a model, or from scratch."""
    recipe = fine_tuning(learned_images(init)).name if init else "small-data"
    values = dict(load_recipe(recipe)["train"])
    values["identities_per_batch"] = min(values["identities_per_batch"], len(identities(splits.train)))
    if init:
        values |= {"init": init, **size_of(init)}
    architecture = architecture_of(init) if init else Architecture.find(SCRATCH)
    with bars():
        return msinet.train(splits, architecture, msinet.TrainSettings(**values), out).network


if __name__ == "__main__":
    main()
