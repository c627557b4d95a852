"""Addresses of the labels: what training reads, as a table alone or with pictures."""

import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from msinet.gallery.label_table import LabelTable, label_table, zip_labels
from msinet.serve.image_routes import Shared
from msinet.serve.security import Writes
from msinet.serve.settings import MEGABYTE

router = APIRouter(prefix="/v1", tags=["labels"])

CONTRADICTIONS = "Msinet-Contradictions"
"""Header: number of groups of entries whose marks contradict each other and are not in the labels."""


@router.get("/labels.csv", responses={200: {"content": {"text/csv": {}}}}, response_class=Response)
async def labels(service: Shared, access: Writes) -> Response:
    """Return the table of labels that adapt, train and calibrate read. It has the paths of files on the service's disk.

    The header Msinet-Contradictions counts the groups of entries whose marks contradict each other and are not used.
    """

    def write() -> tuple[bytes, LabelTable]:
        table = label_table(service.gallery)
        return table.content, table

    content, table = await service.work(write)
    return Response(content, media_type="text/csv", headers=_headers("labels.csv", table))


@router.get("/labels.zip", responses={200: {"content": {"application/zip": {}}}}, response_class=StreamingResponse)
async def labels_with_pictures(service: Shared, access: Writes) -> Response:
    """Return the table of labels as a ZIP file, with thumbnails of entries without a file, or whose file is gone."""

    def write() -> tuple[BinaryIO, LabelTable]:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - It has no name, and is gone once nobody holds it.
        return file, zip_labels(service.gallery, file)

    file, table = await service.work(write)
    headers = _headers("labels.zip", table) | {"Content-Length": str(file.tell())}
    return StreamingResponse(_chunks(file), media_type="application/zip", headers=headers)


def _headers(name: str, table: LabelTable) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', CONTRADICTIONS: str(len(table.contradictions))}


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while some := file.read(MEGABYTE):
            yield some
