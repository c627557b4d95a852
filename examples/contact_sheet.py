"""Lay out a data set's images as one picture: a row an identity, a column a camera.

python examples/contact_sheet.py DATA sheet.jpg --rows 8
"""

import argparse
from pathlib import Path

from PIL import Image

import msinet


def main() -> None:
    """Read the data, draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--rows", type=int, default=8, help="identities in a column")
    parser.add_argument("--columns", type=int, default=2, help="columns of identities side by side")
    parser.add_argument("--cell", type=int, default=80, help="pixels of a cell's side")
    options = parser.parse_args()
    sheet(options.data, options.rows, options.columns, options.cell).save(options.sheet, quality=88)


def sheet(data: Path, rows: int, columns: int, cell: int) -> Image.Image:
    """Return the first image of the first identities in each camera, in cells of one size."""
    splits = msinet.load_splits(data)
    first = {(record.identity, record.camera): record.path for record in reversed(splits.train)}
    identities, cameras = (sorted({key[i] for key in first}) for i in (0, 1))
    picture = Image.new("RGB", (columns * len(cameras) * cell, rows * cell), "white")
    for number, identity in enumerate(identities[: rows * columns]):
        for place, camera in enumerate(cameras):
            if path := first.get((identity, camera)):
                image = Image.open(path)
                scale = (cell - 2) / max(image.size)
                image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
                left = (number // rows * len(cameras) + place) * cell + (cell - image.width) // 2
                picture.paste(image, (left, number % rows * cell + (cell - image.height) // 2))
    return picture


if __name__ == "__main__":
    main()
