"""Time in which a run knows its pictures again, at its first start and at later ones: `python benchmarks/data_mark.py`."""

import argparse
import os
import tempfile
import time
from pathlib import Path

from paired import Row, Side, Step, write_table

from msinet.data.picture_list import PictureList
from msinet.data.records import ImageRecord, ReidSplits

IMAGES, BYTES, A_FOLDER = 300_000, 300, 1000
TOUCHED = 2.5
"""Seconds after which a file no longer counts as just written."""


def make_files(folder: Path, images: int) -> None:
    """Write small files, a thousand in each identity's folder."""
    noise = os.urandom(BYTES)
    for number in range(images):
        identity = folder / f"{number // A_FOLDER:04}"
        if number % A_FOLDER == 0:
            identity.mkdir(parents=True)
        (identity / f"{number:06}.jpg").write_bytes(noise + number.to_bytes(4, "big"))
    time.sleep(TOUCHED)


def start(folder: Path, kept_in: Path) -> Step:
    """Return what a run does about its pictures when it starts."""
    records = [ImageRecord(path, path.parent.name, "c1") for path in sorted(folder.glob("*/*.jpg"))]
    splits = ReidSplits("tiny", train=tuple(records))

    def step() -> list[int]:
        kept = PictureList.load(kept_in)
        found = PictureList.of(splits, [kept] if kept else [])
        if not found.same_as(kept):
            found.save(kept_in)
        return [int(found.digest, 16)]

    return step


def main(images: int = IMAGES) -> None:
    """Measure, each start in a process of its own, and write the table."""
    with tempfile.TemporaryDirectory() as folder:
        place, kept_in = Path(folder) / "images", Path(folder) / "train.data.npz"
        make_files(place, images)
        times, marks = [], set()
        for _ in range(4):
            side = Side(start, place, kept_in)
            seconds, mark = side.once()
            times.append(seconds)
            marks.update(mark)
            note = f"{side.peak():.0f} MB of memory"
        assert len(marks) == 1
        size = f"{kept_in.stat().st_size / 2**20:.0f} MB"
    rows = [
        Row("first start: every file is read", times[:1], ""),
        Row("later start: sizes and times", times[1:], "<= 10 s", note),
    ]
    for row in rows:
        print(row, flush=True)
    words = f"Seconds instead of ratios, for {images} files of {BYTES} bytes, in memory. Their list has {size}."
    write_table("Mark of the data", "python benchmarks/data_mark.py", rows, words)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=IMAGES, help="number of files")
    main(parser.parse_args().images)
