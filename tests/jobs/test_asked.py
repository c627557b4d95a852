from types import SimpleNamespace

import pytest

from msinet.gallery.entries import Answer, Match
from msinet.jobs.gallery import Asked


def asked(*queries, calibration="of today"):
    """Answers to queries of (their identity, that of the best match, whether it is known, its probability)."""
    answers = []
    for identity, found, known, probability in queries:
        match = Match(SimpleNamespace(identity=found), 0.9, known, probability)  # pyright: ignore
        answers.append((SimpleNamespace(identity=identity), Answer((match,), calibration)))
    return Asked([*answers, (SimpleNamespace(identity="a"), Answer((), calibration))])


def test_what_is_known_is_counted_beside_what_is_right_and_what_was_promised():
    """Queries without an identity, or without a match, say nothing of either."""
    found = asked(("a", "a", True, 0.9), ("b", "c", True, 0.75), ("b", "b", False, 0.4), ("", "b", True, 0.8))
    assert (found.labelled, found.right_first, found.known) == (4, 2, 3)
    assert found.known_labelled == (2, 1, pytest.approx(1.65))


def test_without_a_calibration_nothing_is_known():
    found = asked(("a", "a", None, None), calibration=None)
    assert (found.right_first, found.known, found.known_labelled) == (1, None, (0, 0, 0))
