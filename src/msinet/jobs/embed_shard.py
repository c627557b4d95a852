"""Embedding a dataset, or a share of it, into a file: many machines can divide the work."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msinet.data.embedder import Embedder
from msinet.data.embedding_files import require_writable, save_embeddings, split_words
from msinet.data.embeddings import Embeddings
from msinet.data.pixels import drop_unreadable
from msinet.data.records import SPLIT_NAMES, ImageRecord, ReidSplits, Skipped
from msinet.engine.alone import Alone
from msinet.engine.embed import embed
from msinet.engine.opening import open_machine
from msinet.errors import DatasetError, SettingsError, listed
from msinet.files.lock import sole_writer
from msinet.sharing import Share, share_of

if TYPE_CHECKING:
    from msinet.engine.machine import Machine
    from msinet.model.network import Network

SPLITS = (*SPLIT_NAMES, "all")
"""Splits to embed: one of them, or all."""


def require_split(split: str) -> None:
    """Raise a SettingsError unless a split is one of `SPLITS`."""
    if split not in SPLITS:
        raise SettingsError(f"split is {split}: choose one of {', '.join(SPLITS)}", "split")


def images_of(splits: ReidSplits, split: str) -> list[ImageRecord]:
    """Return the images of a split, or all with those that nobody labelled, each file once.

    Raises:
        SettingsError: there is no such split.
    """
    require_split(split)
    parts = splits.parts()
    chosen = [*parts.values(), splits.unlabelled] if split == "all" else [parts[split]]
    return list({record.path: record for part in chosen for record in part}.values())


def embed_shard(
    network: "Network | Embedder",
    splits: ReidSplits,
    out: Path,
    machine: "Machine | Alone | None" = None,
    split: str = "all",
    shard: Share | None = None,
    verify: bool = True,
) -> tuple[int, Sequence[Skipped]]:
    """Embed images of a dataset and write them to a file; return their number, and the files that were left out.

    Args:
        network: any network, or a predictor.
        splits: the dataset; its unlabelled images belong to no split, and are embedded with all.
        out: file to write: .npz, .parquet or .csv.
        machine: by default the one that `open_machine` opens for the network.
        split: train, validation, query, gallery or all.
        shard: share of the images; by default all.
        verify: leave out the images that cannot be read.

    Raises:
        SettingsError: there is no such split, or `out` has another suffix.
        MissingExtraError: Parquet needs pyarrow.
        DatasetError: no image can be read or, without `verify`, one of them.
        BusyError: another process writes the file.
        FileError: the file cannot be written.
    """
    records = images_of(splits, split)
    require_writable(out)
    machine, shard = machine or open_machine(networks=[network]), shard or Share()
    records = records[share_of(len(records), shard.which - 1, shard.count)]
    with sole_writer(out, machine.is_first, is_file=True):
        if verify:
            embeddings, skipped = _embed_readable(network, records, machine)
        else:
            embeddings, skipped = embed(network, records, machine), ()
        if records and not embeddings.records:
            reasons = listed([f"{left_out.path}: {left_out.reason}" for left_out in skipped], limit=3)
            raise DatasetError(f"none of {len(records)} images can be read, so that nothing is written{reasons}")
        if machine.is_first:
            save_embeddings(embeddings, out, split_words(splits))
    return len(embeddings.records), skipped


def _embed_readable(
    network: "Network | Embedder", records: Sequence[ImageRecord], machine: "Machine | Alone"
) -> tuple[Embeddings, Sequence[Skipped]]:
    """Embed the images that can be read; return their embeddings, and the other files."""
    if isinstance(network, Embedder):  # It decodes once; a network whose work is shared has to know beforehand.
        return network.embed_readable(records)
    readable, skipped = drop_unreadable(records)
    return embed(network, readable, machine), skipped
