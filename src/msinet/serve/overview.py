"""The gallery as a whole: its counts, cameras, growth by day, calibration and model."""

from datetime import UTC, datetime, timedelta

from msinet.gallery.filters import Filter
from msinet.gallery.gallery import Gallery
from msinet.serve.answers import plain_model
from msinet.serve.searching import names_of_fields

DAYS = 366
"""Most days whose entries are counted, the last ones."""


def overview(gallery: Gallery) -> dict[str, object]:
    """Return what the page shows of a gallery, as plain values."""
    facts = gallery.info()
    calibrated = gallery.calibration
    calibration = None
    if calibrated:
        plain = calibrated[1].to_plain()
        kept = {name: plain[name] for name in ("threshold", "rate", "curve", "growth", "knots")}
        calibration = {"words": facts.calibration, **kept}
    return {
        "entries": facts.entries,
        "identities": len(facts.identities),
        "cameras": dict(facts.cameras),
        "earliest": facts.earliest.isoformat() if facts.earliest else None,
        "latest": facts.latest.isoformat() if facts.latest else None,
        "fields": names_of_fields(gallery),
        "model": plain_model(gallery),
        "thumbnails": gallery.facts["thumbnails"] == "1",
        "calibration": calibration,
        "growth": growth(gallery, facts.earliest, facts.latest),
    }


def growth(gallery: Gallery, earliest: datetime | None, latest: datetime | None) -> list[dict[str, object]]:
    """Return the number of entries of each day, in UTC, of those that have some."""
    if earliest is None or latest is None:
        return []
    last = latest.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = min((last - earliest.astimezone(UTC)).days + 2, DAYS)
    counted = []
    for back in range(days - 1, -1, -1):
        try:
            day = last - timedelta(days=back)
            entries = gallery.store.count(Filter(since=day, before=day + timedelta(days=1)))
        except OverflowError:  # At the ends of the calendar.
            continue
        if entries:
            counted.append({"day": day.date().isoformat(), "entries": entries})
    return counted


def sightings(gallery: Gallery, identity: str, limit: int = 1_000) -> list[dict[str, object]]:
    """Return when and where an identity was seen, by time; entries without a time come last."""
    entries = gallery.find(Filter.of(identity=identity), limit)
    entries.sort(key=lambda entry: (entry.time is None, entry.time.timestamp() if entry.time else 0, entry.id))
    return [
        {"id": entry.id, "camera": entry.camera, "time": entry.time.isoformat() if entry.time else None} for entry in entries
    ]
