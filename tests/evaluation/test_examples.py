from pathlib import Path

import numpy as np
import pytest

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.evaluation.examples import example_rankings
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.ranking import rank
from msinet.evaluation.ranking_task import prepare
from msinet.evaluation.scoring import compare, score


@pytest.fixture(params=["market", "no-camera"])
def case(request):
    """Thirty images of six identities in three cameras, both query and gallery."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(6, 8))
    records = [
        ImageRecord(path=Path(f"{i}.jpg"), identity=f"v{i % 6}", camera=f"c{i % 3 if i < 20 else 0}") for i in range(30)
    ]
    vectors = centres[[i % 6 for i in range(30)]] + 0.9 * rng.normal(size=(30, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return Embeddings(vectors, records), PROTOCOLS[request.param]


def shown(case):
    images, protocol = case
    (task,) = prepare(images.records, images.records, protocol.name)
    similarities = compare(task, images, images)
    result = score([task], [rank(similarities, task.relevance)])
    return example_rankings(task, similarities, result.average_precision), result


def test_average_precision_follows_from_what_is_shown(case):
    """Where all matches are among the shown images, they give the number that stands beside them."""
    rankings, _ = shown(case)
    images, protocol = case
    checked = 0
    for ranking in rankings:
        verdicts = [answer.verdict for answer in ranking.answers if answer.verdict != "junk"]
        asked = next(r for r in images.records if r.path.as_posix() == ranking.query.path)
        matches = sum(
            r.identity == asked.identity and protocol.junk_key(r) != protocol.junk_key(asked) for r in images.records
        )
        hits = [place for place, verdict in enumerate(verdicts, 1) if verdict == "match"]
        if len(hits) == matches:
            checked += 1
            assert ranking.average_precision == pytest.approx(np.mean([n / place for n, place in enumerate(hits, 1)]))
    assert checked


def test_best_and_worst_are_those_of_the_result(case):
    rankings, result = shown(case)
    precisions = np.sort(result.average_precision)
    by_group = {group: [r.average_precision for r in rankings if r.group == group] for group in ("best", "median", "worst")}
    assert by_group["best"] == precisions[::-1][:3].tolist()
    assert sorted(by_group["worst"]) == precisions[:3].tolist()
    assert np.median(precisions) == pytest.approx(np.median(by_group["median"]), abs=np.diff(precisions).max())


def test_shown_images_stand_in_the_order_of_similarity(case):
    for ranking in shown(case)[0]:
        similarities = [answer.similarity for answer in ranking.answers]
        assert similarities == sorted(similarities, reverse=True)
        assert sum(answer.verdict != "junk" for answer in ranking.answers) == 10
