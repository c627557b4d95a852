"""Splits of your own images, in folders or a table: their names, and halving by identity where none are given."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from msinet.data.records import ImageRecord, ReidSplits, Skipped, identities

SPLIT_WORDS: dict[str, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("validation",),
    "val": ("validation",),
    "query": ("query",),
    "gallery": ("gallery",),
    "test": ("query", "gallery"),
}
"""Splits that an image joins, by the word that users write. A test image is both query and gallery."""


def split_by_identity(records: Sequence[ImageRecord], seed: int = 0) -> dict[str, list[ImageRecord]]:
    """Split records by identity: half of the identities, rounded up, to `train` and the others to `test`.

    The halves follow from the labels and the seed alone, on any machine and in any order of records.
    """

    def draw(identity: str) -> bytes:
        return hashlib.sha256(f"{seed} {identity}".encode(errors="surrogatepass")).digest()

    drawn = sorted(identities(records), key=draw)
    for_training = set(drawn[: (len(drawn) + 1) // 2])
    return {
        "train": [record for record in records if record.identity in for_training],
        "test": [record for record in records if record.identity not in for_training],
    }


def splits_from_words(name: str, records: Mapping[str, Sequence[ImageRecord]], skipped: Iterable[Skipped]) -> ReidSplits:
    """Return the dataset of records that are given by the words of `SPLIT_WORDS`."""
    splits: dict[str, list[ImageRecord]] = {"train": [], "validation": [], "query": [], "gallery": []}
    for word, members in records.items():
        for split in SPLIT_WORDS[word]:
            splits[split].extend(members)
    return ReidSplits(name, *(tuple(found) for found in splits.values()), skipped=tuple(skipped))
