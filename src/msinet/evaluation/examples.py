"""What stands behind the scores: the rankings of a few queries."""

from typing import Any

import numpy as np

from msinet.data.records import ImageRecord
from msinet.evaluation.scoring import Trial
from msinet.evaluation.similarities import as_array

SHOWN = 3
"""Queries of the best, the middle and the worst."""

LENGTH = 10
"""Gallery images of each that are no junk."""


def example_rankings(trial: Trial, average_precision: np.ndarray) -> list[dict[str, Any]]:
    """Return the first gallery images of the best, the median and the worst queries, as JSON values.

    Junk is shown where it stands, and not counted.

    Args:
        trial: what was ranked.
        average_precision: (scored queries,) of each that has a right answer, in their order.
    """
    scored = np.flatnonzero(trial.judgement.right.lengths)
    order = np.argsort(-average_precision, kind="stable")
    middle = max(0, len(order) // 2 - SHOWN // 2)
    groups = {"best": order[:SHOWN], "median": order[middle : middle + SHOWN], "worst": order[-SHOWN:]}
    return [
        {"group": group, "average_precision": float(average_precision[place])} | _ranking(trial, int(scored[place]))
        for group, places in groups.items()
        for place in places
    ]


def _ranking(trial: Trial, query: int) -> dict[str, Any]:
    """Return one query and the images that stand first, until so many are no junk. A wrong image wins a tie."""
    similarities = as_array(trial.similarities.rows(query, query + 1))[0]  # (G,)
    verdicts = np.full(len(similarities), "wrong")
    verdicts[trial.judgement.right[query]] = "right"
    verdicts[trial.judgement.junk[query]] = "junk"
    answers: list[dict[str, Any]] = []
    counted = 0
    for place in np.lexsort((verdicts == "right", -similarities)):
        verdict = str(verdicts[place])
        similarity = {"similarity": float(similarities[place]), "verdict": verdict}
        answers.append(_described(trial.gallery[place]) | similarity)
        counted += verdict != "junk"
        if counted == LENGTH:
            break
    return {"query": _described(trial.query[query]), "answers": answers}


def _described(record: ImageRecord) -> dict[str, Any]:
    return {"path": record.path.as_posix(), "identity": record.identity, "camera": record.camera}
