"""Embedding a table of any size on the machines of a Ray cluster, into Parquet files that are whole or not there."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from msinet.deploy.predictor import Predictor
from msinet.deploy.shipped import file_of_model
from msinet.errors import FileError, MissingExtraError, SettingsError
from msinet.files.lock import sole_writer
from msinet.jobs.by_ray.cluster import LOCAL, cluster
from msinet.jobs.by_ray.part import RayPart
from msinet.jobs.by_ray.places import Place
from msinet.jobs.by_ray.plan import RayPlan
from msinet.jobs.by_ray.table import RayTable
from msinet.model.runtime_file import RuntimeFile
from msinet.progress import begin

ROWS_PER_PART = 10_000
"""Rows of a part: what is computed again if a machine dies, and a file of 30 MB at 768 numbers an image."""


class RayEmbedded(NamedTuple):
    """What a cluster has embedded."""

    parts: int
    """Number of parts of the table; all of them are there."""
    rows: int
    """Images that were embedded, without those of parts that were done before."""
    unreadable: int
    """Images that could not be read, likewise."""
    done_before: int
    """Parts that were there at the beginning."""


def embed_by_ray(
    table: str | Path,
    model: str | Path,
    out: str | Path,
    address: str = LOCAL,
    actors: int | None = None,
    rows_per_part: int = ROWS_PER_PART,
) -> RayEmbedded:
    """Embed the images of a Parquet table on all processors of a Ray cluster.

    The table is cut into parts by the positions of its rows. The rows of the Ray dataset are the numbers of the parts, a
    block each, and an actor maps the number to a file: it reads the rows and their images, embeds and writes them. So a
    part is the same whatever Ray does: `ray.data.read_parquet` cuts blocks as memory asks, and `write_parquet` names files
    after its tasks, so that a second run could not know what is missing. No pixels or vectors pass through Ray's memory.
    If an actor or a machine dies, Ray Data starts another and gives it the same part, as often as needed; a part that is
    computed twice replaces itself. Several writers of one file do not harm each other.

    `out` gets part-000000.parquet and so on, with the columns of the table and `vectors`, (D,) float32 of unit length;
    unreadable/part-000000.parquet with path and reason of images that cannot be read; plan.json, and a copy of the model
    for the machines. The same call again makes the parts that are missing.

    Args:
        table: a Parquet file or a folder of them, with a column path: a local path or a URI (s3://, gs://). Paths of images
            are URIs or local; relative ones are relative to the table's folder or, if it is local, to the current one.
        model: a model in a file, or what `Predictor` makes one of.
        out: folder, a local path or a URI. All machines must see it, and the table and the images, under the same name.
        address: the cluster, as `ray.init` takes it; "local" starts one on this machine, unless this process has one.
        actors: number of processes, each with one processor; by default as many as the cluster has processors.
        rows_per_part: rows of a part.

    Raises:
        MissingExtraError: Ray or pyarrow is missing, here or on a machine of the cluster.
        SettingsError: `actors` or `rows_per_part` is less than 1.
        DatasetError: the table has no rows or no column path.
        ModelError: the model cannot be read.
        BusyError: another process writes to `out`; this is seen on disks, not in object stores.
        FileError: a file cannot be read or written, `out` holds embeddings of another table or model, or the cluster failed.
    """
    ray = _ray()
    for name, value in (("actors", actors), ("rows_per_part", rows_per_part)):
        if value is not None and value < 1:
            raise SettingsError(f"{name} is {value}: set 1 or more", name)
    file = RuntimeFile.named(model) or file_of_model(model)
    Predictor(str(file), threads=1)  # Seen here, a damaged model costs no cluster.
    plan = RayPlan(RayTable.open(str(table)), Place.of(out), file.runtime, file.path.name, rows_per_part)
    with sole_writer(Path(plan.out.path)) if plan.out.is_local else nullcontext():
        missing = plan.begin(file)
        rows, unreadable = _embed(ray, plan, missing, address, actors) if missing else (0, 0)
    return RayEmbedded(plan.parts, rows, unreadable, plan.parts - len(missing))


def _embed(ray: Any, plan: RayPlan, missing: Sequence[int], address: str, actors: int | None) -> tuple[int, int]:
    """Make parts; return how many images were embedded, and how many could not be read."""
    todo = sum(plan.count(part) for part in missing)
    rows = unreadable = 0
    with cluster(ray, address, actors), _quiet(ray):
        actors = min(actors or int(ray.cluster_resources().get("CPU", 1)), len(missing))
        # A part takes minutes: one that waits behind another would better go to an actor that is free.
        pool = ray.data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=1)
        numbers = ray.data.from_items([{"part": part} for part in missing], override_num_blocks=len(missing))
        made = numbers.map_batches(RayPart, batch_size=1, compute=pool, fn_constructor_args=[plan, Path.cwd()], num_cpus=1)
        bar = begin("embed", len(plan.table), len(plan.table) - todo)
        try:
            for part in made.iter_rows():
                if part["error"]:
                    raise FileError(f"part {part['part']}: {part['error']}")
                rows += int(part["rows"])
                unreadable += int(part["unreadable"])
                bar.advance(int(part["rows"] + part["unreadable"]))
        except ray.exceptions.RayTaskError:  # An error of the program itself, which needs its traceback.
            raise
        except ray.exceptions.RayError as error:
            raise FileError(f"the cluster failed: {error}. Run the same again: parts that are done are kept") from error
    return rows, unreadable


@contextmanager
def _quiet(ray: Any) -> Iterator[None]:
    """Keep Ray Data's own bars and reports from the terminal: ours are shown."""
    context, logger = ray.data.DataContext.get_current(), logging.getLogger("ray.data")
    bars, level = context.enable_progress_bars, logger.level
    context.enable_progress_bars = False
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        context.enable_progress_bars = bars
        logger.setLevel(level)


def _ray() -> Any:
    try:
        import pyarrow  # noqa: F401
        import ray.data  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError(str(error.name), "ray") from error
    return ray
