"""The verbs of `gallery`."""

import json as as_json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from msinet.cli.bars import bars
from msinet.cli.options import SEVERAL
from msinet.cli.tables import show_left_out
from msinet.cli.terminal import Column, Styled, say, show_table, show_warning
from msinet.data.settings import DataSettings
from msinet.errors import DatasetError, FileError, SettingsError
from msinet.panels import DATA, OUTPUT, SCORING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msinet.data.records import ImageRecord
    from msinet.gallery.calibration.calibration import Calibration
    from msinet.gallery.entries import Answer, Entry
    from msinet.jobs.gallery import Asked

Place = Annotated[str, DATA, Parameter(help="Folder of the gallery, or milvus://HOST:PORT/NAME.")]
Incoming = Annotated[Path, DATA, Parameter(help="Image, folder, table, or file that msinet embed wrote.")]
Model = Annotated[
    Path | None, DATA, Parameter(help="Model in place of the one that the gallery remembers, such as an export of it.")
]
Only = Annotated[
    tuple[str, ...], DATA, SEVERAL, Parameter(name="--only", help="Label that images have to have, NAME=VALUE: camera=7.")
]
Split = Annotated[str, DATA, Parameter(help="Split to take: train, validation, query, gallery or all.")]
AsJson = Annotated[bool, OUTPUT, Parameter(name="--json", negative=(), help="Print JSON, for programs.")]
Cameras = Annotated[tuple[str, ...], SCORING, SEVERAL]
When = Annotated[str | None, SCORING]
Fields = Annotated[tuple[str, ...], SCORING, SEVERAL]


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


def query(
    gallery: Place,
    images: Annotated[tuple[Path, ...], DATA, SEVERAL] = (),
    *,
    entry: Annotated[int | None, DATA] = None,
    each: Annotated[bool, DATA, Parameter(negative=())] = False,
    split: Split = "all",
    only: Only = (),
    model: Model = None,
    top_k: Annotated[int, SCORING] = 10,
    by_identity: Annotated[bool, SCORING, Parameter(negative=())] = False,
    camera: Cameras = (),
    not_camera: Cameras = (),
    since: When = None,
    before: When = None,
    field: Fields = (),
    zone: Annotated[str | None, SCORING] = None,
    json: AsJson = False,
    reading: DataSettings = DataSettings(),
) -> None:
    """Find the most similar entries of an image, of several images of one object, or of an entry.

    Args:
        images: Image, or several of one object, whose vectors are pooled. With --each, what gallery add takes.
        entry: Number of the entry to search with.
        each: Search with each image of a folder, a table or a file of embeddings, and say how many are right and known.
        top_k: Number of matches.
        by_identity: Show the best match of each identity alone.
        camera: Camera of the matches; may be given several times.
        not_camera: Camera that the matches are not of; may be given several times.
        since: Earliest time of the matches.
        before: Time that the matches were seen before.
        field: Field of the matches, NAME=VALUE; may be given several times.
        zone: Zone of times that name none.
    """
    from msinet.gallery.times import time_of
    from msinet.jobs.gallery import Asked, ask_each, incoming, labels_of, open_gallery

    if (entry is None) == (not images) or (each and len(images) != 1):
        raise SettingsError("give one or several images, or --entry; with --each, one folder, table or file of embeddings")
    with bars():
        opened = open_gallery(gallery, model, embeds=entry is None, read_only=True)
        given = {
            "top_k": top_k,
            "by_identity": by_identity,
            "camera": camera or None,
            "not_camera": not_camera or None,
            "since": time_of(since, zone) if since else None,
            "before": time_of(before, zone) if before else None,
            "fields": labels_of(field, "field"),
        }
        if each:
            answers = ask_each(opened, incoming(images[0], reading, split, only), given)
        else:
            answers = opened.query(entry if entry is not None else list(images), **given)
    if isinstance(answers, Asked):
        show_asked(answers, json)
    elif json:
        say(as_json.dumps(plain_answer(answers), indent=2))
    else:
        show_answer(answers)


def plain_answer(answer: "Answer") -> dict[str, object]:
    """Return an answer as plain values."""
    return {
        "known": answer.known,
        "calibration": answer.calibration,
        "matches": [match.to_plain() for match in answer.matches],
    }


def show_answer(answer: "Answer") -> None:
    """Print the matches as a table, and whether the object is known."""
    calibrated = answer.calibration is not None
    rows = []
    for rank, match in enumerate(answer.matches, start=1):
        sure = [f"{match.probability:.0%}"] if match.probability is not None else []
        shown = f"{match.similarity:.3f}"
        similarity = Styled(shown, "green") if match.known else shown
        rows.append((str(rank), similarity, *sure, *_labels(match.entry)))
    show_table(("rank", "similarity", *(("sure",) if calibrated else ()), *LABELS), rows)
    if not answer.matches:
        say("No entry is meant: the gallery is empty, or the filters leave none.")
    elif answer.known is not None:
        say(f"{'Known' if answer.known else 'Not known'}, by the calibration of {answer.calibration}")


LABELS = ("entry", "identity", "camera", "time", Column("path", folds=True))


def _labels(entry: "Entry") -> tuple[str, ...]:
    identity = f"{entry.identity or '-'}{' (linked)' if entry.linked else ''}"
    time = entry.time.isoformat(sep=" ", timespec="seconds") if entry.time else "-"
    return str(entry.id), identity, entry.camera or "-", time, entry.path or "-"


def show_asked(asked: "Asked", json: bool) -> None:
    """Print how many queries are right and known or, for programs, a line of JSON for each."""
    if json:
        for record, answer in asked.answers:
            query = {"path": str(record.path), "identity": record.identity or None, "camera": record.camera}
            say(as_json.dumps({"query": query, **plain_answer(answer)}))
        return
    themselves = f", {asked.themselves} of them entries, which do not find themselves" if asked.themselves else ""
    say(f"{len(asked.answers)} queries{themselves}")
    if asked.labelled:
        share = asked.right_first / asked.labelled
        say(f"  the right identity first: {asked.right_first} of {asked.labelled}, {share:.1%}")
    if asked.known is not None:
        say(f"  taken for known: {asked.known}, {asked.known / len(asked.answers):.1%}")


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


def list_(
    gallery: Place,
    *,
    identity: Annotated[str | None, SCORING] = None,
    camera: Annotated[str | None, SCORING] = None,
    field: Fields = (),
    limit: Annotated[int, OUTPUT] = 50,
    after: Annotated[int, OUTPUT] = 0,
    json: AsJson = False,
) -> None:
    """List entries.

    Args:
        identity: Identity of the entries, given or linked.
        camera: Camera of the entries.
        field: Field of the entries, NAME=VALUE; may be given several times.
        limit: Greatest number of entries; -1 for all.
        after: Number of the entry behind which the list begins.
    """
    from msinet.gallery.entries import plain_entry
    from msinet.gallery.filters import Filter
    from msinet.jobs.gallery import labels_of, open_gallery

    which = Filter.of(identity=identity, camera=camera, fields=labels_of(field, "field"))
    entries = open_gallery(gallery, read_only=True).find(which, limit, after)
    if json:
        say(as_json.dumps([plain_entry(entry) for entry in entries], indent=2))
    else:
        show_table(LABELS, [_labels(entry) for entry in entries])
        if len(entries) == limit:
            say(f"The first {limit}; --after {entries[-1].id} shows the next ones")


def info(gallery: Place, *, json: AsJson = False) -> None:
    """Show what is known of a gallery: its entries, cameras, times, model and calibration."""
    from dataclasses import asdict

    from msinet.jobs.gallery import open_gallery

    facts = open_gallery(gallery, read_only=True).info()
    if json:
        say(as_json.dumps(asdict(facts), indent=2, default=str))
        return
    rows = [
        ("entries", str(facts.entries)),
        ("identities", str(len(facts.identities))),
        ("cameras", ", ".join(f"{name} ({count})" for name, count in facts.cameras.items()) or "-"),
        ("times", f"{facts.earliest} to {facts.latest}" if facts.earliest else "-"),
        ("vectors", f"{facts.dim} numbers each"),
        ("model", f"{facts.model or '-'} ({facts.weights or 'vectors alone'})"),
        ("calibration", facts.calibration or "none: msinet gallery calibrate"),
    ]
    show_table(("", Column(str(gallery), folds=True)), rows)


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
    from msinet.jobs.gallery import holds_vectors, incoming, open_gallery, vectors_of

    with bars():
        opened = open_gallery(gallery, model, embeds=not holds_vectors(data))
        found = incoming(data, reading, split, only)
        labelled, skipped = vectors_of(opened, found)
        done = calibrate_gallery(opened, labelled, rate, other_cameras, seed)
    show_left_out([*found.skipped, *skipped])
    if report:
        from msinet.files.atomic import write_atomically

        write_atomically(report, calibration_page(done, f"{Path(gallery).name}: known or unknown").encode())
    show_calibration(done)
    say(f"Written to {gallery}{f' and {report}' if report else ''}")


def show_calibration(done: "Calibration") -> None:
    """Print the threshold, and the rates that it has."""
    unknown, known = done.false_positives, done.detections
    rows = [
        ("known from a similarity of", f"{done.threshold:.3f}", ""),
        ("unknown ones taken for known", f"{unknown.found:.2%}", f"{unknown.low:.2%} to {unknown.high:.2%}"),
        ("known ones found first, and known", f"{known.found:.1%}", f"{known.low:.1%} to {known.high:.1%}"),
    ]
    show_table((f"{done.entries} entries, {done.identities} labelled identities", "", "95 % interval"), rows)


def check(gallery: Place, *, rescue: Annotated[str | None, OUTPUT] = None) -> None:
    """Check a gallery's store and index. The exit code is 1 where something is wrong.

    Args:
        rescue: Folder or address for a new gallery of all that can be read of a damaged folder.
    """
    from msinet.gallery.checking import check_gallery
    from msinet.gallery.places import is_address
    from msinet.jobs.gallery import rescue_gallery

    with bars():
        found = check_gallery(gallery)
        saved = rescue_gallery(gallery, rescue) if rescue else 0
    for fault in found.faults:
        show_warning(fault)
    say(f"{gallery}: {found.entries} entries can be read")
    if found.recall is not None:
        say(f"  the index finds {found.recall:.1%} of the nearest entries")
    if rescue:
        say(f"Written to {rescue}: {saved} entries")
    if found.faults and not rescue:
        remedy = "--rescue FOLDER makes a new gallery of what can be read, or restore a copy"
        if is_address(gallery):
            remedy = "restore a backup of Milvus, or export what can be read"
        raise FileError(f"{gallery} is damaged: {remedy}")
    if not found.is_good and not found.faults:
        remedy = "choose another autoIndex" if is_address(gallery) else "remove index.json, and a query makes it anew"
        raise DatasetError(f"the index finds too few: {remedy}")


def export(gallery: Place, *, out: Annotated[Path, OUTPUT]) -> None:
    """Write all entries to a Parquet file, or the labels of those with an identity to a table.

    Args:
        out: File to write. .parquet holds all, for gallery import. .csv is a table of paths, identities and cameras, which
            adapt, train and calibrate read.
    """
    from msinet.gallery.exchange import export_store
    from msinet.gallery.label_table import export_labels
    from msinet.jobs.gallery import open_gallery

    if out.suffix.lower() not in (".parquet", ".csv"):
        raise SettingsError(f"out is {out}: name a file .parquet, which holds all, or .csv, a table of labels", "out")
    with bars():
        opened = open_gallery(gallery, read_only=True)
        count = export_labels(opened, out) if out.suffix.lower() == ".csv" else export_store(opened.store, out)
    say(f"Written to {out}: {count} entries")


def import_(gallery: Place, file: Annotated[Path, DATA]) -> None:
    """Add the entries of a file that `gallery export` wrote; a gallery that is not there is created.

    Args:
        file: The file.
    """
    from msinet.jobs.gallery import import_gallery

    with bars():
        count, new = import_gallery(gallery, file)
    say(f"Added to {gallery}: {new} of {count} entries of {file}")
