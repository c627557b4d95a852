"""Small images inside a page: thumbnails and the contact sheet."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from msinet.data.pixels import load_image
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError

SIDE = 112
"""Longest side in pixels."""
QUALITY = 78


def thumbnail(path: str | Path) -> str | None:
    """Return an image as a data URI, or None where it can no longer be read."""
    try:
        image = load_image(path)
    except DatasetError:
        return None
    return data_uri(shrunk(image, SIDE))


def shrunk(image: Image.Image, side: int) -> Image.Image:
    """Return an image, scaled down so that its longest side is at most `side` pixels."""
    scale = min(1.0, side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def data_uri(image: Image.Image) -> str:
    """Return an image as a data URI."""
    out = io.BytesIO()
    image.save(out, "WEBP", quality=QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"


def contact_sheet(records: Sequence[ImageRecord], rows: int, columns: int, cell: int) -> Image.Image:
    """Return images of the first identities, a row each; a column is a camera where cameras are known.

    Args:
        records: the images.
        rows: largest number of identities.
        columns: largest number of images of each.
        cell: side of a cell in pixels.

    Raises:
        DatasetError: an image cannot be read.
    """
    by_identity: dict[str, list[ImageRecord]] = {}
    for record in records:
        by_identity.setdefault(record.identity, []).append(record)
    chosen = sorted(by_identity)[:rows]
    cameras = sorted({record.camera for identity in chosen for record in by_identity[identity] if record.camera})
    columns = min(columns, len(cameras) or max((len(by_identity[identity]) for identity in chosen), default=1))
    picture = Image.new("RGBA", (columns * cell, max(1, len(chosen)) * cell))
    for row, identity in enumerate(chosen):
        images = by_identity[identity]
        if cameras:
            first = {record.camera: record for record in reversed(images)}
            images = [first.get(camera) for camera in cameras]
        for column, record in enumerate(images[:columns]):
            if record is not None:
                image = shrunk(load_image(record.path), cell - 2)
                left, top = column * cell + (cell - image.width) // 2, row * cell + (cell - image.height) // 2
                picture.paste(image, (left, top))
    return picture
