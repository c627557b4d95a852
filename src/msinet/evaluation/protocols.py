"""Protocols: which gallery images count for a query. A number without its protocol cannot be compared."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import chain

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, SettingsError


@dataclass(frozen=True)
class Protocol:
    """A rule that says which gallery images are junk for a query: neither right nor wrong, left out of its ranking."""

    name: str
    description: str
    """The rule, in one sentence."""
    junk_key: Callable[[ImageRecord], Hashable]
    """A gallery image is junk for a query whose key equals its own."""
    needs_cameras: bool = False


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="market",
            description="Gallery images of the query's identity and camera are junk, as in Market-1501.",
            junk_key=lambda record: (record.identity, record.camera),
            needs_cameras=True,
        ),
        Protocol(
            name="no-camera",
            description="Only the query image itself, the same file, is junk.",
            junk_key=lambda record: record.path,
        ),
    )
}


def choose_protocol(query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], name: str | None = None) -> Protocol:
    """Return the protocol of that name or, without one, "market" where records have cameras, else "no-camera".

    Raises:
        SettingsError: there is no protocol of that name.
        DatasetError: the protocol needs cameras, and a record has none.
    """
    without_camera = next((record for record in chain(query, gallery) if record.camera is None), None)
    if name is None:
        # Some without a camera are a mistake in the labels, not a reason for another rule.
        name = "market" if any(record.camera for record in chain(query, gallery)) else "no-camera"
    if name not in PROTOCOLS:
        raise SettingsError(f"no protocol {name!r}: choose one of {', '.join(PROTOCOLS)}")
    protocol = PROTOCOLS[name]
    if protocol.needs_cameras and without_camera is not None:
        raise DatasetError(
            f"protocol {name!r} needs the camera of every image, and {without_camera.path} has none: "
            "label the cameras, or take protocol 'no-camera'"
        )
    return protocol


def require_answers(query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], protocol: Protocol) -> None:
    """Make sure, from the labels alone, that at least one query has a right answer in the gallery.

    Raises:
        DatasetError: none has; the message says why.
    """
    keys: dict[str, set[object]] = {}
    for record in gallery:
        keys.setdefault(record.identity, set()).add(protocol.junk_key(record))
    if not any(keys.get(record.identity, set()) - {protocol.junk_key(record)} for record in query):
        raise DatasetError(_why_no_right_answer(query, gallery, protocol))


def _why_no_right_answer(query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], protocol: Protocol) -> str:
    if not query or not gallery:
        return f"nothing to score: {len(query)} query and {len(gallery)} gallery images"
    in_gallery = {record.identity for record in gallery}
    if in_gallery.isdisjoint(record.identity for record in query):
        return (
            f"query identities do not appear in gallery (the first are {query[0].identity!r} and "
            f"{gallery[0].identity!r}): check that both belong to one dataset and write identities alike, leading zeros too"
        )
    return (
        f"no query has a right answer under protocol {protocol.name!r}: "
        f"{protocol.description} Check that the gallery holds other images of the query identities"
    )
