"""What few labels are worth: a model as it is, and adapted to some of the training identities, scored on query and gallery.

python examples/few_labels.py DATA msinet-vehicles --identities 10 25 50 100 --draws 3
"""

import argparse
from contextlib import suppress
from pathlib import Path

import numpy as np

import msinet
from msinet.data.records import ReidSplits, identities
from msinet.errors import TrainingError


def main() -> None:
    """Print the mAP of all queries as it is, and the mean and the range over the draws for each number of identities."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="Folder or table of labelled images with a training split.")
    parser.add_argument("model", help="Folder of the model, or a name that msinet models lists.")
    parser.add_argument(
        "--identities", type=int, nargs="+", default=[10, 25, 50, 100], help="Numbers of labelled identities."
    )
    parser.add_argument("--draws", type=int, default=3, help="Draws of the labelled identities.")
    options = parser.parse_args()
    splits, network = msinet.load_splits(options.data), msinet.load_model(options.model)
    print(f"as it is: {msinet.evaluate(network, splits).mAP:.1%}")
    for count in options.identities:
        scores = [score_with(network, splits, count, draw) for draw in range(options.draws)]
        print(f"{count} identities: {np.mean(scores):.1%} ({min(scores):.1%} to {max(scores):.1%})")


def score_with(network: msinet.Network, splits: ReidSplits, count: int, draw: int) -> float:
    """Return the mAP after an adaptation to some of the training identities; as it is, where that would not help."""
    everyone = identities(splits.train)
    chosen = set(np.random.default_rng(draw).choice(everyone, count, replace=False))
    with suppress(TrainingError):
        network = msinet.adapt(network, [record for record in splits.train if record.identity in chosen]).network
    return msinet.evaluate(network, splits).mAP


if __name__ == "__main__":
    main()
