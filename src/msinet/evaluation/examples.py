"""Rankings of a few queries for the report: the best, the median and the worst."""

import numpy as np

from msinet.data.records import ImageRecord
from msinet.evaluation.evidence import Group, RankedImage, RankedQuery, ShownImage, Verdict
from msinet.evaluation.ranking_task import RankingTask
from msinet.evaluation.similarities import Similarities, as_array

SHOWN = 3
"""Number of queries from the best, the median and the worst."""

LENGTH = 10
"""Number of gallery images a query, junk not counted."""


def example_rankings(
    task: RankingTask, similarities: Similarities, average_precision: np.ndarray
) -> tuple[RankedQuery, ...]:
    """Return the first gallery images of the best, the median and the worst queries.

    Junk is shown where it stands, and not counted.

    Args:
        task: the ranking task.
        similarities: of the task's queries and gallery.
        average_precision: (scored queries,) of each query that has a match, in their order.
    """
    scored = np.flatnonzero(task.relevance.matches.lengths)
    order = np.argsort(-average_precision, kind="stable")
    middle = max(0, len(order) // 2 - SHOWN // 2)
    groups: dict[Group, np.ndarray] = {
        "best": order[:SHOWN],
        "median": order[middle : middle + SHOWN],
        "worst": order[-SHOWN:],
    }
    return tuple(
        RankedQuery(
            group,
            float(average_precision[place]),
            _shown(task.asking[query]),
            _first_images(task, similarities, query),
        )
        for group, places in groups.items()
        for place, query in zip(places.tolist(), scored[places].tolist(), strict=True)
    )


def _first_images(task: RankingTask, similarities: Similarities, query: int) -> tuple[RankedImage, ...]:
    """Return the images that stand first, until `LENGTH` of them are no junk. A non-match wins a tie."""
    row = as_array(similarities.rows(query, query + 1))[0]  # (G,)
    matches, junk = task.relevance.matches[query], task.relevance.junk[query]
    verdicts: dict[int, Verdict] = dict.fromkeys(matches.tolist(), "match")
    verdicts |= dict.fromkeys(junk.tolist(), "junk")
    is_match = np.zeros(len(row), bool)
    is_match[matches] = True
    images: list[RankedImage] = []
    counted = 0
    for place in np.lexsort((is_match, -row)).tolist():
        record, verdict = task.searched[place], verdicts.get(place, "non-match")
        images.append(RankedImage(record.path.as_posix(), record.identity, record.camera, float(row[place]), verdict))
        counted += verdict != "junk"
        if counted == LENGTH:
            break
    return tuple(images)


def _shown(record: ImageRecord) -> ShownImage:
    return ShownImage(record.path.as_posix(), record.identity, record.camera)
