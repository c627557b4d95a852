"""Protocols: which gallery images count for a query. A number without its protocol cannot be compared."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

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
    needs: tuple[Literal["camera", "track"], ...] = ()
    """Labels that every image must have; a track, every gallery image."""
    by_lists: bool = False
    """Right and junk are what the dataset's own index files say, and not what labels say."""
    by_tracks: bool = False
    """Tracks are searched instead of images: a track is as similar as its most similar image."""
    by_draws: bool = False
    """Which image of an identity is its gallery is drawn, ten times; scores are the mean."""


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
            "Right and junk gallery images are those of gt_index.txt and jk_index.txt, as in VeRi-776's own scripts.",
            _file,
            by_lists=True,
        ),
        Protocol(
            "image-to-track",
            "A query image looks for tracks, and its own vehicle's in its own camera are junk, as in VeRi-776 (HIT@k).",
            _identity_and_camera,
            needs=("camera", "track"),
            by_tracks=True,
        ),
        Protocol(
            "image-to-track-camera",
            "A query image looks for tracks, and all tracks of its own camera are junk, another reading of VeRi-776's rule.",
            lambda record: record.camera,
            needs=("camera", "track"),
            by_tracks=True,
        ),
        Protocol(
            "vehicleid",
            "One image of each identity, drawn, is the gallery and all others ask, as in VehicleID: mean over ten draws.",
            _file,
            by_draws=True,
        ),
    )
}


def choose_protocol(
    query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], name: str | None = None, usual: str | None = None
) -> Protocol:
    """Return the protocol of that name, or the dataset's `usual` one, or "market" with cameras and "no-camera" without.

    Raises:
        SettingsError: there is no protocol of that name.
        DatasetError: the protocol needs a label that an image does not have.
    """
    if name is None:
        # Some without a camera are a mistake in the labels, not a reason for another rule.
        name = usual or ("market" if any(record.camera for record in chain(query, gallery)) else "no-camera")
    if name not in PROTOCOLS:
        raise SettingsError(f"no protocol {name!r}: choose one of {', '.join(PROTOCOLS)}")
    protocol = PROTOCOLS[name]
    for label in protocol.needs:
        records = gallery if label == "track" else chain(query, gallery)
        without = next((record for record in records if getattr(record, label) is None), None)
        if without is not None:
            otherwise = "no-camera" if label == "camera" else "market"  # Where tracks are missed, cameras are there.
            raise DatasetError(
                f"protocol {name!r} needs the {label} of every image, and {without.path} has none: "
                f"label the {label}s, or take protocol {otherwise!r}"
            )
    return protocol
