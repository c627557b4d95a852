"""The verb `embed`."""

from typing import Annotated

from cyclopts import Parameter

from msinet.cli.options import Data, Model, Out
from msinet.cli.terminal import bars, say, show_left_out
from msinet.data.settings import DataSettings
from msinet.engine.settings import MachineSettings
from msinet.panels import DATA, MACHINE


def embed(
    data: Data,
    *,
    model: Model,
    out: Out,
    split: Annotated[str, DATA] = "all",
    shard: Annotated[str, MACHINE, Parameter(show_default=False)] = "1/1",
    reading: DataSettings = DataSettings(),
    settings: MachineSettings = MachineSettings(),
) -> None:
    """Write the embeddings of the images to an .npz file. The write is atomic.

    Args:
        out: File to write: vectors (N, D) of unit length, and path, identity, camera, track and split of each.
        split: Split to embed: train, validation, query, gallery or all.
        shard: Part of the images to embed, so that machines can divide the work: 3/100 is the third hundredth.
    """
    from msinet.data.readers.detect import load_splits
    from msinet.engine.machine import Machine
    from msinet.jobs.embed_shard import embed_shard, require_split
    from msinet.model.model_files import load_model
    from msinet.sharing import Share

    require_split(split)
    part, network = Share.parse(shard, "shard"), load_model(model)
    with bars():
        splits = load_splits(data, reading.format, reading.split_seed, verify=False)
        count, skipped = embed_shard(network, splits, out, Machine(settings), split, part, reading.verify)
    show_left_out(skipped)
    say(f"Written to {out}: {count} embeddings")
