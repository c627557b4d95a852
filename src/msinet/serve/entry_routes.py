"""Addresses of entries: add, look at, remove and judge."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from msinet.gallery.filters import Filter
from msinet.gallery.gallery import Gallery
from msinet.gallery.link import mark
from msinet.serve.answers import (
    AddedPlain,
    EntriesPlain,
    EntryPlain,
    RemovedPlain,
    VerdictPlain,
    VerdictsPlain,
    as_json,
    plain_entries,
)
from msinet.serve.image_routes import PIXEL, Shared
from msinet.serve.keeping import Kept, add
from msinet.serve.problems import Problem
from msinet.serve.schemas import LAST_ID, Addition, Verdict, Word, body_of
from msinet.serve.searching import plain_left_out, require_entry
from msinet.serve.security import Access, Reads, Writes
from msinet.serve.service import Service

router = APIRouter(prefix="/v1", tags=["entries"])

NumberOf = Annotated[int, Path(ge=1, le=LAST_ID)]

AT_ONCE = 2_000
"""Entries that are looked through at a time for the newest ones of a filter."""

VERDICTS = 10_000
"""Most verdicts that are answered."""


@router.post(
    "/entries",
    response_model=AddedPlain,
    openapi_extra=body_of(Addition, "images", {"images": [PIXEL], "identity": "v17", "camera": "gate"}),
)
async def add_entries(request: Request, service: Shared, access: Writes) -> Response:
    """Add images, or vectors. The same content twice is one entry."""
    async with service.reading(request) as given:
        addition = given.as_(Addition)
        if bool(given.images) == bool(addition.vectors):
            raise Problem(422, "give images or vectors, one of the two")

        def keep() -> Kept:
            kept = add(service, given.images, addition)
            service.note(request, access, "add", kept.ids, kept.new)
            return kept

        kept = await service.work(keep)
    return as_json({"ids": kept.ids, "new": kept.new, "left_out": plain_left_out(kept.left_out)})


@router.get("/entries", response_model=EntriesPlain)
async def list_entries(
    service: Shared,
    access: Reads,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: Annotated[int, Query(ge=0, le=LAST_ID)] = 0,
    identity: Word = "",
    camera: Word = "",
    newest: bool = False,
) -> Response:
    """List entries by their numbers; with `newest` from the highest down, and `after` is the number that they are below."""
    which = Filter.of(identity=identity or None, camera=camera or None)
    return as_json(await service.work(_listed, service, which, limit, after, newest))


def _listed(service: Service, which: Filter, limit: int, after: int, newest: bool) -> dict[str, object]:
    gallery = service.gallery
    found = newest_below(gallery, which, limit + 1, after) if newest else gallery.find(which, limit + 1, after)
    following = found[limit - 1].id if len(found) > limit else None
    return {"entries": plain_entries(gallery, found[:limit]), "next": following}


def newest_below(gallery: Gallery, which: Filter, limit: int, below: int) -> list:
    """Return entries that a filter means, the highest number first, below a number; 0 is no bound."""
    end = gallery.store.last_id() + 1
    end = min(below, end) if below else end
    found: list = []
    while end > 1 and len(found) < limit:
        start = max(end - AT_ONCE, 1)
        some = gallery.find(which, AT_ONCE, start - 1)
        found += sorted((entry for entry in some if entry.id < end), key=lambda entry: -entry.id)
        end = start
    return found[:limit]


@router.get("/entries/{id}", response_model=EntryPlain)
async def one_entry(id: NumberOf, service: Shared, access: Reads) -> Response:
    """Return an entry."""

    def look() -> dict[str, object]:
        require_entry(service, id)
        return plain_entries(service.gallery, [service.gallery.entry(id)])[0]

    return as_json(await service.work(look))


@router.get("/entries/{id}/thumbnail", responses={200: {"content": {"image/webp": {}}}}, response_class=Response)
async def thumbnail(id: NumberOf, service: Shared, access: Reads) -> Response:
    """Return the picture of an entry, at most 128 pixels a side."""
    picture = await service.work(service.gallery.thumbnail, id)
    if picture is None:
        raise Problem(404, f"no picture of entry {id} is kept: msinet gallery create --thumbnails keeps them")
    return Response(picture, media_type="image/webp", headers={"Cache-Control": "private, max-age=3600"})


@router.delete("/entries/{id}", response_model=RemovedPlain)
async def remove_entry(id: NumberOf, request: Request, service: Shared, access: Writes) -> Response:
    """Remove an entry. No query finds it any more."""
    return as_json({"removed": await service.work(_removed, service, request, access, [id])})


@router.delete("/identities/{identity:path}", response_model=RemovedPlain)
async def remove_identity(
    identity: Annotated[str, Path(min_length=1, max_length=200)], request: Request, service: Shared, access: Writes
) -> Response:
    """Remove all entries of an identity, given or linked."""

    def remove() -> int:
        ids = [entry.id for entry in service.gallery.find(Filter.of(identity=identity))]
        return _removed(service, request, access, ids)

    return as_json({"removed": await service.work(remove)})


def _removed(service: Service, request: Request, access: Access, ids: list[int]) -> int:
    """Remove entries, write it down, and return how many were there."""
    removed = service.gallery.remove(ids) if ids else 0
    service.note(request, access, "remove", ids, removed)
    return removed


@router.post(
    "/verdicts", response_model=VerdictPlain, openapi_extra=body_of(Verdict, None, {"one": 1, "other": 2, "same": True})
)
async def judge(request: Request, service: Shared, access: Writes) -> Response:
    """Keep what somebody says of two entries: that they show the same object, or not. null takes it back."""
    async with service.reading(request) as given:
        said = given.as_(Verdict)

        def keep() -> None:
            if said.one == said.other:
                raise Problem(422, "one and other are the same entry: name two")
            for id in (said.one, said.other):
                require_entry(service, id)
            mark(service.gallery, [said.one, said.other], said.same)
            service.note(request, access, "judge", [said.one, said.other], 1)

        await service.work(keep)
    return as_json({"one": said.one, "other": said.other, "same": said.same})


@router.get("/verdicts", response_model=VerdictsPlain)
async def verdicts(service: Shared, access: Reads, entry: Annotated[int | None, Query(ge=1, le=LAST_ID)] = None) -> Response:
    """Return what was said of entries, or of one of them."""
    said = await service.work(service.gallery.store.verdicts)
    wanted = [one for one in said if entry is None or entry in one[:2]][:VERDICTS]
    return as_json({"verdicts": [{"one": one, "other": other, "same": same} for one, other, same in wanted]})
