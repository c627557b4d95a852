"""Ranking tasks: who asks, what is ranked and what counts, from labels alone, before anything is embedded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msinet.data.records import Answers, ImageRecord
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.draws import DrawnGallery, draw_galleries, is_drawn
from msinet.evaluation.protocols import Protocol, choose_protocol
from msinet.evaluation.relevance import Relevance, nothing_to_score, relevance_of
from msinet.evaluation.settings import ScoringSettings
from msinet.evaluation.tracks import Tracks, tracks_of


@dataclass(frozen=True)
class Side:
    """The query or the gallery of a ranking task."""

    images: Sequence[ImageRecord]
    """Images to embed."""
    tracks: Tracks | None = None
    """Tracks of the images, where each track is pooled to one embedding."""

    @property
    def records(self) -> Sequence[ImageRecord]:
        """Records of the embeddings that are compared: the images or, where they are pooled, their tracks."""
        return self.tracks.records if self.tracks else self.images


@dataclass(frozen=True)
class RankingTask:
    """All that a ranking needs besides embeddings."""

    query: Side
    gallery: Side
    tracks: Tracks | None
    """Tracks of the gallery that are ranked in place of images, where the protocol asks for it."""
    relevance: Relevance
    """Matches and junk of `asking` among `searched`."""
    protocol: Protocol
    scoring: ScoringSettings
    draw: DrawnGallery | None = None
    """The draw that made this gallery, where galleries are drawn."""

    @property
    def asking(self) -> Sequence[ImageRecord]:
        """Records of the queries."""
        return self.query.records

    @property
    def searched(self) -> Sequence[ImageRecord]:
        """Records that are ranked: images or tracks."""
        return self.tracks.records if self.tracks else self.gallery.records


def prepare(
    query: Sequence[ImageRecord],
    gallery: Sequence[ImageRecord],
    protocol: str | None = None,
    scoring: ScoringSettings | None = None,
    answers: Mapping[Path, Answers] | None = None,
    usual: str | None = None,
    camera_pairs: bool = False,
    draw: Callable[[Sequence[ImageRecord]], Sequence[DrawnGallery]] = draw_galleries,
) -> tuple[RankingTask, ...]:
    """Prepare the scoring of queries in a gallery: one ranking task or, where galleries are drawn, one a draw.

    Args:
        query: images that ask.
        gallery: images that are searched.
        protocol: its name; by default `usual`, or the protocol that fits the records.
        scoring: what is done with embeddings before they are ranked.
        answers: the dataset's index files by the path of the query, for a protocol that goes by them.
        usual: name of the dataset's usual protocol, where it has one.
        camera_pairs: whether pairs of cameras will be scored as well.
        draw: returns the draws of a gallery from the images of both sides.

    Raises:
        SettingsError: there is no such protocol, or an option cannot be combined with it.
        DatasetError: labels are missing, or no query has a match.
    """
    scoring = scoring or ScoringSettings()
    chosen = choose_protocol(query, gallery, protocol, usual)
    _check_options(chosen, scoring, camera_pairs)
    if camera_pairs:
        _check_cameras(query, gallery)
    if not chosen.by_draws:
        return (_prepare_one(query, gallery, chosen, scoring, answers),)
    pool = list({record.path: record for record in (*query, *gallery)}.values())
    if not pool:
        raise nothing_to_score(0, 0)
    tasks = []
    for one in draw(pool):
        drawn = is_drawn(pool, one)
        asking, searched = ([r for r, is_in in zip(pool, drawn, strict=True) if is_in == side] for side in (False, True))
        if not asking:
            raise DatasetError(
                f"protocol {chosen.name!r} needs two images of an identity, and every identity has one: add images, or "
                "check that all images of an object have the same identity"
            )
        tasks.append(_prepare_one(asking, searched, chosen, scoring, answers, one))
    return tuple(tasks)


def prepare_among(records: Sequence[ImageRecord]) -> tuple[RankingTask, ...]:
    """Prepare images that are both query and gallery, such as those of the validation split, under the protocol that fits.

    Cameras do not count where no identity was seen by two: the images of one camera can still choose among weights.

    Raises:
        DatasetError: cameras are missing, or no image has a match.
    """
    cameras: dict[str, set[str | None]] = {}
    for record in records:
        cameras.setdefault(record.identity, set()).add(record.camera)
    across = any(len(seen) > 1 for seen in cameras.values())
    return prepare(records, records, None if across else "no-camera")


def _prepare_one(
    query: Sequence[ImageRecord],
    gallery: Sequence[ImageRecord],
    protocol: Protocol,
    scoring: ScoringSettings,
    answers: Mapping[Path, Answers] | None,
    draw: DrawnGallery | None = None,
) -> RankingTask:
    sides = Side(query), Side(gallery)
    if scoring.track_pooling:
        if (query or gallery) and not any(record.track for record in (*query, *gallery)):
            raise DatasetError("no image has a track: label the tracks, or leave out track_pooling", "track_pooling")
        sides = Side(query, tracks_of(query, gallery)), Side(gallery, tracks_of(gallery, query))
    tracks = tracks_of(sides[1].records) if protocol.by_tracks else None
    searched = tracks.records if tracks else sides[1].records
    relevance = relevance_of(sides[0].records, searched, protocol, answers)
    return RankingTask(*sides, tracks, relevance, protocol, scoring, draw)


def _check_options(protocol: Protocol, scoring: ScoringSettings, camera_pairs: bool) -> None:
    if scoring.track_pooling and protocol.by_lists:
        reason = f"protocol {protocol.name!r}, whose lists are of images"
        raise SettingsError(f"track_pooling cannot be combined with {reason}: leave out one of them", "track_pooling")
    if camera_pairs and protocol.by_draws:
        reason = f"protocol {protocol.name!r}, whose galleries are drawn"
        raise SettingsError(f"camera_pairs cannot be combined with {reason}: leave out one of them", "camera_pairs")


def _check_cameras(query: Sequence[ImageRecord], gallery: Sequence[ImageRecord]) -> None:
    for record in (*query, *gallery):
        if record.camera is None:
            raise DatasetError(
                f"camera_pairs needs the camera of every image, and {record.path} has none: label the cameras, or "
                "leave it out",
                "camera_pairs",
            )
