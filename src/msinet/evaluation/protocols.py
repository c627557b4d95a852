"""Protocols: the rules that say which gallery images count for a query. Scores of two protocols cannot be compared."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, SettingsError


@dataclass(frozen=True)
class Protocol:
    """A rule that says which gallery images are junk for a query, which means left out of its ranking."""

    name: str
    description: str
    """The rule, in one sentence."""
    junk_key: Callable[[ImageRecord], Hashable]
    """A gallery image is junk for a query whose key is the same."""
    needs: tuple[Literal["camera", "track"], ...] = ()
    """Labels that every image must have; a track is only needed in the gallery."""
    by_lists: bool = False
    """Matches and junk come from the dataset's own index files, not from labels."""
    by_tracks: bool = False
    """Tracks are ranked instead of images: a track is as similar as its most similar image."""
    by_draws: bool = False
    """The gallery is one image of each identity, drawn ten times; scores are the mean over the draws."""


def _identity_and_camera(record: ImageRecord) -> Hashable:
    return record.identity, record.camera


def _file(record: ImageRecord) -> Hashable:
    return record.path


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "market",
            "Gallery images of the query's identity and camera are junk, as in Market-1501, MSMT17 and most papers.",
            _identity_and_camera,
            needs=("camera",),
        ),
        Protocol(
            "no-camera",
            "Only the query image itself, the same file, is junk, as in VRIC and in some code for VERI-Wild.",
            _file,
        ),
        Protocol(
            "veri776-index",
            "Matches and junk are those of gt_index.txt and jk_index.txt, as in VeRi-776's own scripts.",
            _file,
            by_lists=True,
        ),
        Protocol(
            "image-to-track",
            "Query images are searched among tracks; tracks of their identity and camera are junk, as in VeRi-776 (HIT@k).",
            _identity_and_camera,
            needs=("camera", "track"),
            by_tracks=True,
        ),
        Protocol(
            "image-to-track-camera",
            "Query images are searched among tracks; all tracks of their camera are junk, another reading of the rule.",
            lambda record: record.camera,
            needs=("camera", "track"),
            by_tracks=True,
        ),
        Protocol(
            "vehicleid",
            "One image of each identity, drawn, is the gallery, the others are queries, as in VehicleID: mean of ten draws.",
            _file,
            by_draws=True,
        ),
    )
}


def choose_protocol(
    query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], name: str | None = None, usual: str | None = None
) -> Protocol:
    """Return the named protocol, or else the dataset's `usual` one, or else market with cameras and no-camera without.

    Raises:
        SettingsError: there is no protocol of that name.
        DatasetError: the protocol needs a label that an image does not have.
    """
    if name is None:
        # A few images without a camera are a fault in the labels, not a reason for another rule.
        name = usual or ("market" if any(record.camera for record in chain(query, gallery)) else "no-camera")
    if name not in PROTOCOLS:
        raise SettingsError(f"protocol is {name!r}: choose one of {', '.join(PROTOCOLS)}", "protocol")
    protocol = PROTOCOLS[name]
    for label in protocol.needs:
        images = {record.path: record for record in (gallery if label == "track" else chain(query, gallery))}
        without = [path for path, record in images.items() if getattr(record, label) is None]
        if without:
            otherwise = "no-camera" if label == "camera" else "market"  # Where a track is missing, cameras are known.
            raise DatasetError(
                f"protocol {name!r} needs the {label} of every image, and {len(without)} of {len(images)} images "
                f"have none, the first {without[0]}: label the {label}s, or choose protocol {otherwise!r}"
            )
    return protocol
