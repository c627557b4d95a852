"""Scores by camera pair: the queries of each camera among the gallery images of each camera."""

import numpy as np

from msinet.evaluation.evidence import CameraPair
from msinet.evaluation.metrics import measure
from msinet.evaluation.ranking import rank_within
from msinet.evaluation.ranking_task import RankingTask
from msinet.evaluation.similarities import Similarities


def score_camera_pairs(task: RankingTask, similarities: Similarities) -> tuple[CameraPair, ...]:
    """Score the queries of each camera among the gallery images of each camera, by the similarities of the whole gallery.

    A pair in which no query has a match has no scores: under the Market rule every camera with itself, as these matches
    are junk.

    Args:
        task: with a camera for every image (`prepare` with `camera_pairs` checks it).
        similarities: of the task's queries and gallery.
    """
    asking = np.array([record.camera for record in task.asking])
    searched = np.array([record.camera for record in task.searched])
    cameras = sorted(set(searched.tolist()))
    groups = [np.flatnonzero(searched == camera) for camera in cameras]
    pairs = []
    for camera, group, ranking in zip(cameras, groups, rank_within(similarities, task.relevance, groups), strict=True):
        for own in sorted(set(asking.tolist())):
            mine = asking == own
            part = ranking.of(mine)
            if part.lengths.any():
                query = [task.asking[place] for place in np.flatnonzero(mine).tolist()]
                scores = measure(part, query, len(group)).scores
                pairs.append(CameraPair(own, camera, scores.queries, scores.mAP, scores.rank(1)))
    return tuple(sorted(pairs, key=lambda pair: (pair.query_camera, pair.gallery_camera)))
