"""The verbs of `gallery` that fill a gallery, change it, and carry it elsewhere."""

import json as as_json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from msinet.cli.bars import bars
from msinet.cli.gallery_options import AsJson, Incoming, Model, Only, Place, Split
from msinet.cli.options import SEVERAL
from msinet.cli.tables import show_left_out
from msinet.cli.terminal import say, show_table, show_warning
from msinet.data.settings import DataSettings
from msinet.errors import DatasetError, SettingsError
from msinet.panels import DATA, OUTPUT, SCORING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msinet.data.records import ImageRecord
    from msinet.gallery.calibration.calibration import Calibration
    from msinet.gallery.label_table import LabelTable


def create(
    gallery: Place,
    *,
    model: Annotated[Path | None, DATA] = None,
    dim: Annotated[int | None, DATA] = None,
    thumbnails: Annotated[bool, DATA] = False,
) -> None:
    """Create a gallery in a folder, or in Milvus.

    Args:
        model: Model that embeds its images: a name that msinet models lists, a folder, or a file that msinet export wrote.
            The gallery remembers it.
        dim: Length of the vectors, where vectors alone will be added.
        thumbnails: Keep a picture of at most 128 pixels a side of each image, to look at when the files are gone.
    """
    from msinet.jobs.gallery import create_gallery

    made = create_gallery(gallery, model, dim, thumbnails)
    say(f"Created {gallery}: vectors of {made.dim} numbers{f', by {made.name}' if made.name else ''}")


def add(
    gallery: Place,
    data: Incoming,
    *,
    split: Split = "all",
    only: Only = (),
    model: Model = None,
    camera: Annotated[str | None, DATA] = None,
    identity: Annotated[str | None, DATA] = None,
    time: Annotated[str | None, DATA] = None,
    zone: Annotated[str | None, DATA] = None,
    again: Annotated[bool, DATA] = False,
    reading: DataSettings = DataSettings(),
) -> None:
    """Add images or vectors. The same content twice is one entry. Stopped and started again, it goes on.

    Args:
        camera: Camera of all images, before that of their labels.
        identity: Identity of all images, before that of their labels.
        time: Time of all images: 2026-05-01T12:00:00+02:00, or seconds since 1970. A column time is taken if it holds these.
        zone: Zone of times that name none, such as Europe/Rome.
        again: Add what is there already once more.
    """
    from msinet.jobs.gallery import holds_vectors, incoming, open_gallery

    with bars():
        opened = open_gallery(gallery, model, embeds=not holds_vectors(data))
        found = incoming(data, reading, split, only)
        added = opened.add(found.what, camera=camera, identity=identity, time=time, zone=zone, again=again)
    if found.understood:
        say(f"  {found.understood}")
    show_left_out(found.skipped)
    for one in added.left_out[:3]:
        show_warning(f"left out {one.name}: {one.reason}")
    if len(added.left_out) > 3:
        say(f"  and {len(added.left_out) - 3} more left out")
    say_times(found.records)
    if added.left_out and not added.ids:
        raise DatasetError(f"nothing of {data} could be added: look at the reasons above")
    there = f", {added.repeated} were there already and keep their labels" if added.repeated else ""
    say(f"Added to {gallery}: {added.new} entries{there}; {len(opened)} in all")


def say_times(records: "Sequence[ImageRecord]") -> None:
    """Print how many images have a field time that is no time."""
    from msinet.gallery.times import as_time

    kept = [time for record in records if (time := record.fields.get("time")) and as_time(time) is None]
    if kept:
        say(f"  {len(kept)} have a time that is none, such as {kept[0]!r}: it is a field, and no filter by time finds them")


def link(
    gallery: Place,
    *,
    threshold: Annotated[float | None, SCORING] = None,
    travel: Annotated[Path | None, DATA] = None,
    undo: Annotated[str | None, DATA] = None,
    same: Annotated[tuple[int, ...], DATA, SEVERAL] = (),
    different: Annotated[tuple[int, ...], DATA, SEVERAL] = (),
    json: AsJson = False,
) -> None:
    """Give the entries without an identity one: near passes of cameras become one object.

    Args:
        threshold: Least mean similarity of what is joined; by default the calibrated threshold.
        travel: Table of the seconds between cameras, which passes have to keep to: from, to, least, greatest.
        undo: Identity that was linked and is not one object: its entries are never joined again.
        same: Entries that show the same object, whatever their similarity; give two or more.
        different: Entries that show different objects; give two or more.
    """
    from msinet.gallery.link import link_gallery, mark, undo_link
    from msinet.jobs.gallery import open_gallery

    with bars():
        opened = open_gallery(gallery)
        mark(opened, same, True)
        mark(opened, different, False)
        if undo is not None:
            undo_link(opened, undo)
        linked = link_gallery(opened, threshold, travel)
    if json:
        say(as_json.dumps(linked.to_plain(), indent=2))
        return
    rows = [
        (group.name, str(len(group.entries)), ", ".join(group.cameras), f"{group.certainty:.0%}", group.weakest or "-")
        for group in linked.groups[:20]
    ]
    if rows:
        show_table(("identity", "entries", "cameras", "sure", "weakest link"), rows)
    more = f"; the {len(rows)} least sure are shown" if len(linked.groups) > len(rows) else ""
    say(f"{linked.entries} entries without a given identity are {linked.objects} objects{more}")


def remove(
    gallery: Place,
    *,
    entry: Annotated[tuple[int, ...], DATA, SEVERAL] = (),
    identity: Annotated[str | None, DATA] = None,
    camera: Annotated[str | None, DATA] = None,
    before: Annotated[str | None, DATA] = None,
    older_than: Annotated[str | None, DATA] = None,
    zone: Annotated[str | None, DATA] = None,
    vacuum: Annotated[bool, DATA, Parameter(negative=())] = False,
) -> None:
    """Remove the entries for which all holds that is given. No query finds them any more.

    Args:
        entry: Number of an entry; may be given several times.
        identity: Identity of the entries, given or linked.
        camera: Camera of the entries.
        before: Time that the entries were seen before.
        older_than: Age of the entries: 30d, 12h, 90m. Entries without a time stay.
        zone: Zone of a time that names none.
        vacuum: Write the files anew, so that no trace of what was removed is left in them.
    """
    from msinet.gallery.times import time_of
    from msinet.jobs.gallery import open_gallery

    opened = open_gallery(gallery)
    given = {"identity": identity, "camera": camera, "older_than": older_than}
    until = time_of(before, zone) if before else None
    count = 0
    if entry or until or any(given.values()) or not vacuum:
        count = opened.remove(entry or None, before=until, **given)  # pyright: ignore[reportArgumentType]
    if vacuum:
        opened.vacuum()
    if not count and (entry or identity or camera):
        raise DatasetError(
            f"no entry of {gallery} is meant, and nothing was removed: msinet gallery list shows which there are"
        )
    say(f"Removed from {gallery}: {count} entries; {len(opened)} are left{'' if vacuum or not count else HINT}")


HINT = " (their traces leave the file with --vacuum)"


def calibrate(
    gallery: Place,
    data: Incoming,
    *,
    rate: Annotated[float, SCORING] = 0.01,
    other_cameras: Annotated[bool, SCORING] = False,
    split: Split = "all",
    only: Only = (),
    model: Model = None,
    report: Annotated[Path | None, OUTPUT] = None,
    seed: Annotated[int, SCORING] = 0,
    reading: DataSettings = DataSettings(),
) -> None:
    """Find the similarity from which on a query counts as known, by labelled images of objects that are not in the gallery.

    Args:
        rate: Share of unknown queries that may be taken for known: 0.01 is 1 %.
        other_cameras: Compare with entries of other cameras alone, as queries that leave out their own camera do.
        report: HTML file to write: the curves of the calibration.
        seed: Seed of the intervals.
    """
    from msinet.gallery.calibrate import calibrate_gallery
    from msinet.gallery.calibration.report import calibration_page
    from msinet.jobs.gallery import holds_vectors, incoming, learned_by, open_gallery, vectors_of

    with bars():
        opened = open_gallery(gallery, model, embeds=not holds_vectors(data))
        found = incoming(data, reading, split, only)
        labelled, skipped = vectors_of(opened, found)
        done = calibrate_gallery(opened, labelled, rate, other_cameras, seed, learned_by(opened))
    show_left_out([*found.skipped, *skipped])
    if report:
        from msinet.files.atomic import write_atomically

        write_atomically(report, calibration_page(done, f"{Path(gallery).name}: known or unknown").encode())
    show_calibration(done)
    say(f"Written to {gallery}{f' and {report}' if report else ''}")


def show_calibration(done: "Calibration") -> None:
    """Print the threshold, and the rates that it has."""
    unknown, known = done.false_positives, done.detections
    found = (f"{known.found:.1%}", f"{known.low:.1%} to {known.high:.1%}")
    if not done.promises_detections:
        found = (f"below {known.found:.1%}", "not promised")
    rows = [
        ("known from a similarity of", f"{done.threshold:.3f}", ""),
        ("unknown ones taken for known", f"{unknown.found:.2%}", f"{unknown.low:.2%} to {unknown.high:.2%}"),
        ("known ones found first, and known", *found),
    ]
    show_table((f"{done.entries} entries, {done.identities} labelled identities", "", "95 % interval"), rows)


def export(
    gallery: Place, *, out: Annotated[Path, OUTPUT], pictures: Annotated[bool, OUTPUT, Parameter(negative=())] = False
) -> None:
    """Write all entries to a Parquet file, or the labels of those with an identity to a table.

    Args:
        out: File to write. .parquet holds all, for gallery import. .csv is a table of paths, identities and cameras, which
            adapt, train and calibrate read. Entries that were marked as the same object have one identity there.
        pictures: Write thumbnails into a folder beside the table, for entries without a file or whose file is gone. The
            gallery has to keep thumbnails.
    """
    from msinet.gallery.exchange import export_store
    from msinet.gallery.label_table import export_labels
    from msinet.jobs.gallery import open_gallery

    kind = out.suffix.lower()
    if kind not in (".parquet", ".csv"):
        raise SettingsError(f"out is {out}: name a file .parquet, which holds all, or .csv, a table of labels", "out")
    if pictures and kind != ".csv":
        raise SettingsError(f"out is {out}, which holds the thumbnails: pictures go with a table .csv", "out", "pictures")
    opened = open_gallery(gallery, read_only=True)
    if kind == ".csv":
        say_labels(export_labels(opened, out, pictures), out)
        return
    with bars():
        count = export_store(opened.store, out)
    say(f"Written to {out}: {count} entries")


def say_labels(table: "LabelTable", out: Path) -> None:
    """Print how many entries a table of labels has, and which marks contradict each other."""
    pictures = f", {len(table.pictures)} of them by their thumbnails" if table.pictures else ""
    say(f"Written to {out}: {len(table.rows)} entries{pictures}")
    if groups := table.contradictions:
        shown = "; ".join(", ".join(map(str, group)) for group in groups[:5]) + ("; ..." if len(groups) > 5 else "")
        show_warning(f"marks that contradict each other are not used: {len(groups)} groups, of entries {shown}")


def import_(gallery: Place, file: Annotated[Path, DATA]) -> None:
    """Add the entries of a file that `gallery export` wrote; a gallery that is not there is created.

    Args:
        file: The file.
    """
    from msinet.jobs.gallery import import_gallery

    with bars():
        count, new = import_gallery(gallery, file)
    say(f"Added to {gallery}: {new} of {count} entries of {file}")
