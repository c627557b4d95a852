"""Embedding a dataset, or a share of it, into a file: many machines can divide the work."""

from collections.abc import Sequence
from pathlib import Path

from msinet.data.embedder import Embedder
from msinet.data.embedding_files import require_writable, save_embeddings, split_words
from msinet.data.pixels import drop_unreadable
from msinet.data.records import SPLIT_NAMES, ReidSplits, Skipped
from msinet.engine.embed import embed
from msinet.engine.machine import Machine, share_of
from msinet.errors import DatasetError, SettingsError, listed
from msinet.files.lock import sole_writer
from msinet.model.network import Network
from msinet.sharing import Share

SPLITS = (*SPLIT_NAMES, "all")
"""Splits to embed: one of them, or all."""


def require_split(split: str) -> None:
    """Raise a SettingsError unless a split is one of `SPLITS`."""
    if split not in SPLITS:
        raise SettingsError(f"split is {split}: choose one of {', '.join(SPLITS)}", "split")


def embed_shard(
    network: Network | Embedder,
    splits: ReidSplits,
    out: Path,
    machine: Machine | None = None,
    split: str = "all",
    shard: Share | None = None,
    verify: bool = True,
) -> tuple[int, Sequence[Skipped]]:
    """Embed images of a dataset and write them to a file; return their number, and the files that were left out.

    Args:
        network: any network, or a predictor.
        splits: the dataset; its unlabelled images belong to no split, and are embedded with all.
        out: file to write: .npz, .parquet or .csv.
        machine: by default a GPU, where there is one.
        split: train, validation, query, gallery or all.
        shard: share of the images; by default all.
        verify: decode every image first, and leave out those that cannot be read.

    Raises:
        SettingsError: there is no such split, or `out` has another suffix.
        MissingExtraError: Parquet needs pyarrow.
        DatasetError: no image can be read or, without `verify`, one of them.
        BusyError: another process writes the file.
        FileError: the file cannot be written.
    """
    require_split(split)
    require_writable(out)
    machine, shard = machine or Machine(), shard or Share()
    parts = splits.parts()
    chosen = [*parts.values(), splits.unlabelled] if split == "all" else [parts[split]]
    records = list({record.path: record for part in chosen for record in part}.values())
    records = records[share_of(len(records), shard.which - 1, shard.count)]
    skipped: Sequence[Skipped] = ()
    with sole_writer(out, machine.is_first, is_file=True):
        chosen = records
        if isinstance(network, Embedder):
            embeddings, skipped = network.embed_readable(records)
            records = list(embeddings.records)
        elif verify:
            records, skipped = drop_unreadable(records)
        if chosen and not records:
            reasons = listed([f"{left_out.path}: {left_out.reason}" for left_out in skipped], limit=3)
            raise DatasetError(f"none of {len(chosen)} images can be read, so that nothing is written{reasons}")
        if not isinstance(network, Embedder):
            embeddings = embed(network, records, machine)
        if machine.is_first:
            save_embeddings(embeddings, out, split_words(splits))
    return len(records), skipped
