"""The verb `embed`."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from msinet.cli.bars import bars
from msinet.cli.options import Model, Out
from msinet.cli.tables import show_left_out
from msinet.cli.terminal import say
from msinet.data.settings import DataSettings
from msinet.engine.settings import MachineSettings
from msinet.panels import DATA, MACHINE


def embed(
    data: Annotated[Path, DATA],
    *,
    model: Model,
    out: Out,
    split: Annotated[str, DATA] = "all",
    labels: Annotated[bool, DATA] = True,
    shard: Annotated[str, MACHINE, Parameter(show_default=False)] = "1/1",
    reading: DataSettings = DataSettings(),
    settings: MachineSettings = MachineSettings(),
) -> None:
    """Write the embeddings of the images to a file. The write is atomic.

    Args:
        data: Images: one image, a folder of images, a dataset, a table with a column path, or - for a list of paths on
            standard input. Labels that they have are written too.
        out: File to write, .npz, .parquet or .csv: vectors (N, D) of unit length, and path, identity, camera, track and
            split of each.
        split: Split to embed: train, validation, query, gallery or all.
        labels: Read labels where the layout has them. --no-labels embeds every image below the folder, whatever the layout.
        shard: Part of the images to embed, so that machines can divide the work: 3/100 is the third hundredth.
    """
    from msinet.data.readers.unlabelled import load_for_embedding, load_list
    from msinet.engine.machine import Machine
    from msinet.jobs.embed_shard import embed_shard, require_split
    from msinet.jobs.open_model import open_model
    from msinet.sharing import Share

    require_split(split)
    part, network = Share.parse(shard, "shard"), open_model(model)
    with bars():
        splits = load_list(sys.stdin) if str(data) == "-" else load_for_embedding(data, reading, labels)
        count, skipped = embed_shard(network, splits, out, Machine(settings), split, part, reading.verify)
    say(f"  {splits.understood}")
    show_left_out([*splits.skipped, *skipped])
    say(f"Written to {out}: {count} embeddings")
