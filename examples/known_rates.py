"""What calibration promises of known and unknown queries, beside what comes: both cameras, one image an identity in each.

In each draw some identities calibrate. Of the others half are enrolled, as the first camera saw them, and the queries are
all others as the second saw them. The identities that calibrate are those of the training split; with --mixed as many,
drawn from all.

python examples/known_rates.py DATA msinet-vehicles --rates 0.01 0.05
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import msinet
from msinet.data.embeddings import Embeddings
from msinet.data.records import identities
from msinet.gallery.calibration.calibration import calibrate
from msinet.gallery.calibration.labelled_vectors import LabelledVectors


@dataclass(frozen=True)
class Rates:
    """Rates of a draw, 0 to 1."""

    false_positives: float
    """Unknown queries that were taken for known ones."""
    promised: float
    """Detections by the calibration."""
    detections: float
    """Known queries that were found first, and known."""
    right: float
    """Answers called known that were right, among known and unknown queries alike; NaN without such answers."""


def main() -> None:
    """Print a row for each rate: means over the draws, with their range."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="Folder or table of labelled images with a training split.")
    parser.add_argument("model", help="Folder of the model, a file, or a name that msinet models lists.")
    parser.add_argument("--rates", type=float, nargs="+", default=[0.01, 0.05], help="Rates of false positives.")
    parser.add_argument("--draws", type=int, default=20, help="Number of draws.")
    parser.add_argument("--mixed", action="store_true", help="Draw the identities that calibrate from all splits.")
    options = parser.parse_args()
    splits = msinet.load_splits(options.data)
    records = list({record.path: record for record in (*splits.train, *splits.query, *splits.gallery)}.values())
    embeddings = msinet.embed(msinet.Predictor(options.model), records)
    print("| rate | found | detections promised | found | known answers right |\n|---|---|---|---|---|")
    for rate in options.rates:
        found = []
        for draw in range(options.draws):
            random = np.random.default_rng(draw)
            calibrating = identities(splits.train)
            if options.mixed:
                calibrating = random.choice(identities(records), len(calibrating), replace=False)
            found.append(rates_of(embeddings, set(calibrating), rate, random))
        columns = np.array([(one.false_positives, one.promised, one.detections, one.right) for one in found]).T
        cells = (f"{np.nanmean(column):.1%} ({np.nanmin(column):.1%}-{np.nanmax(column):.1%})" for column in columns)
        print(f"| {rate:.1%} | {' | '.join(cells)} |", flush=True)


def rates_of(embeddings: Embeddings, calibrating: set[str], rate: float, random: np.random.Generator) -> Rates:
    """Calibrate by some identities, enrol half of the others, and ask for all of those."""
    names = np.array([record.identity for record in embeddings.records])
    cameras = np.array([record.camera for record in embeddings.records])
    labels, first = np.isin(names, list(calibrating)), cameras == min(record.camera for record in embeddings.records)
    others = np.unique(names[~labels])
    enrolled = np.isin(names, random.choice(others, len(others) // 2, replace=False))
    gallery, queries = _part(embeddings, enrolled & first), _part(embeddings, ~labels & ~first)
    made = calibrate(gallery, _part(embeddings, labels), rate)
    similarities = queries.vectors @ gallery.vectors.T
    is_right = np.array(gallery.identities)[similarities.argmax(1)] == np.array(queries.identities)
    known, is_enrolled = made.known(similarities.max(1)), np.isin(queries.identities, gallery.identities)
    return Rates(
        float(known[~is_enrolled].mean()),
        made.detections.found,
        float((known & is_right)[is_enrolled].mean()),
        float(is_right[known].mean()) if known.any() else float("nan"),
    )


def _part(embeddings: Embeddings, which: np.ndarray) -> LabelledVectors:
    records = [embeddings.records[place] for place in np.flatnonzero(which).tolist()]
    return LabelledVectors(
        embeddings.vectors[which], [record.identity for record in records], [record.camera for record in records]
    )


if __name__ == "__main__":
    main()
