"""The verb `embed`."""

import re
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
from msinet.errors import SettingsError
from msinet.panels import DATA, MACHINE

"""The cluster that is started on this machine for the time being."""


def embed(
    data: Annotated[Path, DATA],
    *,
    model: Model,
    out: Out,
    split: Annotated[str, DATA] = "all",
    labels: Annotated[bool, DATA] = True,
    pixels: Annotated[Path | None, DATA] = None,
    shard: Annotated[str, MACHINE, Parameter(show_default=False)] = "1/1",
    ray: Annotated[str | None, MACHINE] = None,
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
        pixels: What a network of others expects of its images, a file as FILE.pixels.json beside it would be.
        shard: Part of the images to embed, so that machines can divide the work: 3/100 is the third hundredth.
        ray: Ray cluster that embeds a Parquet table with a column path into a folder of Parquet files, --out: HOST:PORT, or
            local for all processors of this machine. Given again, the command makes what is missing (docs/scaling.md).
    """
    if ray is not None:
        refuse_with_ray(split=split != "all", shard=shard != "1/1", pixels=pixels is not None, labels=not labels)
        embed_on_cluster(data, model, out, ray)
        return
    from msinet.data.readers.unlabelled import load_for_embedding, load_list
    from msinet.engine.opening import open_machine
    from msinet.jobs.embed_shard import embed_shard, require_split
    from msinet.jobs.open_model import open_model
    from msinet.sharing import Share

    require_split(split)
    part, network = Share.parse(shard, "shard"), open_model(model, pixels)
    with bars():
        splits = load_list(sys.stdin) if str(data) == "-" else load_for_embedding(data, reading, labels)
        count, skipped = embed_shard(network, splits, out, open_machine(settings, [network]), split, part, reading.verify)
    say(f"  {splits.understood}")
    show_left_out([*splits.skipped, *skipped])
    say(f"Written to {out}: {count} embeddings")


def refuse_with_ray(**given: bool) -> None:
    """Raise a SettingsError where options are given that a cluster does not look at."""
    if needless := [name for name, is_given in given.items() if is_given]:
        raise SettingsError(
            f"ray takes a table as it is: leave out {', '.join(needless)}; what a network of others expects of its images "
            "stands in FILE.pixels.json beside it",
            "ray",
            *needless,
        )


def embed_on_cluster(table: Path, model: Path, out: Path, address: str) -> None:
    """Embed a table by a Ray cluster, and print what was done."""
    from msinet.jobs.by_ray.embed import embed_by_ray

    with bars():
        done = embed_by_ray(as_given(table), model, as_given(out), address)
    if done.unreadable:
        say(f"  {done.unreadable} images cannot be read: {out}/unreadable names them")
    before = f", {done.done_before} of them before" if done.done_before else ""
    say(f"Written to {out}: {done.rows} embeddings; {done.parts} parts are there{before}")


def as_given(path: Path) -> str:
    """Return a path as it was written: a path object makes one slash of the two in s3://."""
    return re.sub(r"^(\w{2,}):/(?=[^/])", r"\1://", str(path))
