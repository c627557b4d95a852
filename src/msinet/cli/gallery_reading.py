"""The verbs of `gallery` that ask a gallery and look at it."""

import json as as_json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from msinet.cli.bars import bars
from msinet.cli.gallery_options import AsJson, Cameras, Fields, Model, Only, Place, Split, When
from msinet.cli.options import SEVERAL
from msinet.cli.terminal import Column, Styled, say, show_table, show_warning
from msinet.data.settings import DataSettings
from msinet.errors import DatasetError, FileError, SettingsError
from msinet.panels import DATA, OUTPUT, SCORING

if TYPE_CHECKING:
    from msinet.gallery.entries import Answer, Entry
    from msinet.jobs.gallery import Asked


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
    from msinet.jobs.gallery import Asked, ask_each, incoming, open_gallery

    if (entry is None) == (not images) or (each and len(images) != 1):
        raise SettingsError("give one or several images, or --entry; with --each, one folder, table or file of embeddings")
    with bars():
        opened = open_gallery(gallery, model, embeds=entry is None, read_only=True)
        given = filters_of(camera, not_camera, since, before, field, zone) | {"top_k": top_k, "by_identity": by_identity}
        if each:
            answers = ask_each(opened, incoming(images[0], reading, split, only), given)
        else:
            answers = opened.query(entry if entry is not None else list(images), **given)
    if isinstance(answers, Asked):
        show_asked(answers, json)
    else:
        show_answer(answers, json)


def filters_of(
    camera: tuple[str, ...],
    not_camera: tuple[str, ...],
    since: str | None,
    before: str | None,
    field: tuple[str, ...],
    zone: str | None,
) -> dict[str, Any]:
    """Return filters of the command line as arguments of `Gallery.query`."""
    from msinet.gallery.times import time_of
    from msinet.jobs.gallery import labels_of

    return {
        "camera": camera or None,
        "not_camera": not_camera or None,
        "since": time_of(since, zone) if since else None,
        "before": time_of(before, zone) if before else None,
        "fields": labels_of(field, "field"),
    }


def plain_answer(answer: "Answer") -> dict[str, object]:
    """Return an answer as plain values."""
    return {
        "known": answer.known,
        "calibration": answer.calibration,
        "matches": [match.to_plain() for match in answer.matches],
    }


def show_answer(answer: "Answer", json: bool) -> None:
    """Print the matches as a table, and whether the object is known or, for programs, JSON."""
    if json:
        say(as_json.dumps(plain_answer(answer), indent=2))
        return
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
        known, right, promised = asked.known_labelled
        if known:
            say(f"  right of these: {right} of {known}; their probabilities promised {promised:.1f}")


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
    if facts.calibration_warning:
        show_warning(facts.calibration_warning)


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
