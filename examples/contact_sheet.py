"""Training images of a dataset as one picture: an identity in each row, a camera in each column.

It shows how alike the images of one identity are, and how different the cameras. The sheets in docs/world.md are made by it.

    python examples/contact_sheet.py DATA sheet.jpg --rows 8 --blocks 2
"""

import argparse
from pathlib import Path

from PIL import Image

import msinet
from msinet.report.pictures import contact_sheet


def main() -> None:
    """Read the data, draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="Folder or table of labelled images.")
    parser.add_argument("sheet", type=Path, help="Picture to write.")
    parser.add_argument("--rows", type=int, default=8, help="Number of identities in a block.")
    parser.add_argument("--blocks", type=int, default=2, help="Number of blocks side by side.")
    parser.add_argument("--cell", type=int, default=80, help="Height and width of a cell in pixels.")
    options = parser.parse_args()
    records = msinet.load_splits(options.data).train
    identities = sorted({record.identity for record in records})
    cameras = len({record.camera for record in records})
    picture = Image.new("RGB", (options.blocks * cameras * options.cell, options.rows * options.cell), "white")
    for block in range(options.blocks):
        chosen = set(identities[block * options.rows : (block + 1) * options.rows])
        shown = [record for record in records if record.identity in chosen]
        part = contact_sheet(shown, options.rows, cameras, options.cell)
        picture.paste(part, (block * cameras * options.cell, 0), part)
    picture.save(options.sheet, quality=88)


if __name__ == "__main__":
    main()
