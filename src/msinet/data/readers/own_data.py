"""Splits of your own images, in folders or a table: their names, and halving by identity where none are given."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

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

_SYNONYMS = {
    "training": "train",
    "trainset": "train",
    "val": "validation",
    "valid": "validation",
    "valset": "validation",
    "dev": "validation",
    "queries": "query",
    "probe": "query",
    "probes": "query",
    "galleries": "gallery",
    "testing": "test",
    "testset": "test",
    "eval": "test",
    "evaluation": "test",
}

FILLERS = frozenset(("image", "images", "img", "imgs", "set", "data", "dataset", "split", "crops", "bounding", "box", "all"))
"""Words beside a split's word in the name of a folder or a table: image_train, bounding_box_test, train_all."""


@cache
def split_word(name: str) -> str | None:
    """Return the split that a name means, as a key of `SPLIT_WORDS`; None if it means none.

    Capitals, synonyms (training, probe) and fillers (image_train) are understood.
    """
    words = [word for word in re.split(r"[\W_]+", name.lower()) if word and word not in FILLERS]
    word = _SYNONYMS.get(words[0], words[0]) if len(words) == 1 else None
    return word if word in SPLIT_WORDS else None


def gallery_if_queries_are_apart(records: dict[str, list[ImageRecord]]) -> dict[str, list[ImageRecord]]:
    """Return records by split word; where there are queries and no gallery, the test images are the gallery.

    Published datasets name their folders so: image_query and image_test, query and bounding_box_test.
    """
    if "query" in records and "test" in records and "gallery" not in records:
        return {"gallery" if word == "test" else word: members for word, members in records.items()}
    return records


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


def splits_from_words(
    name: str, records: Mapping[str, Sequence[ImageRecord]], skipped: Iterable[Skipped], understood: str = ""
) -> ReidSplits:
    """Return the dataset of records that are given by the words of `SPLIT_WORDS`."""
    splits: dict[str, list[ImageRecord]] = {"train": [], "validation": [], "query": [], "gallery": []}
    for word, members in records.items():
        for split in SPLIT_WORDS[word]:
            splits[split].extend(members)
    return ReidSplits(name, *(tuple(found) for found in splits.values()), skipped=tuple(skipped), understood=understood)
