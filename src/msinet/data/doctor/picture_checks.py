"""Checks of pictures without their labels: what they show, how 16 bits were scaled, pages, sizes and rotation."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msinet.data.doctor.looks import Look
from msinet.data.doctor.picture_troubles import HUGE, TINY
from msinet.data.records import ImageRecord


def check_pictures(records: Iterable[ImageRecord], looks: Mapping[Path, Look]) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield names of troubles, and all examples of each."""
    readable = {path: look for path, look in looks.items() if look.problem is None}
    by_trouble: dict[str, list[Path]] = {}
    for path, look in readable.items():
        if look.trouble:
            by_trouble.setdefault(look.trouble, []).append(path)
    if 2 * len(nothing := by_trouble.get("pictures that show nothing", ())) > len(readable):
        del by_trouble["pictures that show nothing"]
        yield "most pictures show nothing", nothing
    yield from by_trouble.items()
    yield "16-bit images of different depth", _other_depths(records, readable)
    yield "files with several pages or frames", [path for path, look in readable.items() if look.several]
    sizes = {path: look.size for path, look in readable.items()}
    yield "tiny images", [f"{path}: {w} x {h} pixels" for path, (w, h) in sizes.items() if min(w, h) < TINY]
    yield "huge images", [f"{path}: {w} x {h} pixels" for path, (w, h) in sizes.items() if w * h > HUGE]
    yield "images rotated by EXIF", [path for path, look in readable.items() if look.turned]


def _other_depths(records: Iterable[ImageRecord], readable: Mapping[Path, Look]) -> list[str]:
    """Return the 16-bit images that were taken for another depth than most of their camera. Black ones have none."""
    cameras: dict[str | None, dict[Path, int]] = {}
    for record in records:
        look = readable.get(record.path)
        if look and look.bits and not look.shows_nothing:
            cameras.setdefault(record.camera, {})[record.path] = look.bits
    found: list[str] = []
    for depths in cameras.values():
        usual = Counter(depths.values()).most_common(1)[0][0]
        found += [f"{path}: {bits} bits, most have {usual}" for path, bits in depths.items() if bits != usual]
    return found
