"""Constraints of linking: which pairs of passes are kept apart."""

from dataclasses import dataclass, replace
from math import nan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from msinet.gallery.linking.constraints import Constraints
from msinet.gallery.linking.passes import Passes
from msinet.gallery.linking.travel import Travel


@dataclass(frozen=True)
class Seen:
    """One pass."""

    camera: str | None = "c1"
    first: float = nan
    last: float = nan
    identity: str | None = None


def passes_from(seen):
    return Passes(
        np.ones((len(seen), 1), np.float32),
        [one.camera for one in seen],
        np.array([one.first for one in seen]),
        np.array([one.last for one in seen]),
        [one.identity for one in seen],
        [()] * len(seen),
        [np.array([place]) for place in range(len(seen))],
    )


def apart(one, other, **kwargs):
    constraints = Constraints(passes_from([one, other]), **kwargs)
    both = [bool(constraints.apart(np.array([0, 1]), np.array([1, 0]))[place]) for place in (0, 1)]
    assert both[0] == both[1]
    return both[0]


def test_one_object_is_not_twice_in_one_picture():
    assert apart(Seen("c1", 0, 10), Seen("c1", 10, 20))
    assert not apart(Seen("c1", 0, 10), Seen("c1", 11, 20))
    assert not apart(Seen("c1", 0, 10), Seen("c2", 5, 6))


def test_nothing_is_kept_apart_by_what_is_unknown():
    assert not apart(Seen("c1", 0, 10), Seen("c1"))
    assert not apart(Seen(None, 0, 10), Seen(None, 0, 10))
    assert not apart(Seen(identity="Ada"), Seen())


def test_identities_and_marks_keep_apart():
    assert apart(Seen(identity="Ada"), Seen(identity="Ben"))
    assert not apart(Seen(identity="Ada"), Seen(identity="Ada"))
    assert apart(Seen(), Seen(), different=[(1, 0)])


def test_marks_hold_among_so_many_passes_that_32_bits_cannot_number_the_pairs():
    constraints = Constraints(passes_from([Seen()] * 70_000), different=[(69_999, 61_356)])
    one, other = np.array([61_356, 61_355], np.int32), np.array([69_999, 69_999], np.int32)
    assert constraints.apart(one, other).tolist() == [True, False]


def test_nothing_travels_faster_or_slower_than_the_limits():
    travel = Travel({("c1", "c2"): (40, 600)})
    seen, later = Seen("c1", 0, 10), Seen("c2", 49, 60)
    assert apart(seen, later, travel=travel)
    assert not apart(seen, replace(later, first=50), travel=travel)
    assert not apart(seen, replace(later, first=610, last=610), travel=travel)
    assert apart(seen, replace(later, first=611, last=700), travel=travel)
    assert not apart(Seen("c2", 0, 10), Seen("c1", 11, 12), travel=travel)  # no row for the way back
    assert not apart(seen, Seen("c3", 11, 12), travel=travel)


def test_cameras_whose_views_overlap_have_a_negative_least_time():
    seen, later = Seen("c1", 0, 10), Seen("c2", 6, 20)
    assert apart(seen, later, travel=Travel({("c1", "c2"): (0, 600)}))
    assert not apart(seen, later, travel=Travel({("c1", "c2"): (-5, 600)}))


def slow(one, other, travel):
    if one.identity and other.identity and one.identity != other.identity:
        return True
    if one.camera is None or other.camera is None or nan in (one.first, other.first):
        return False
    if one.camera == other.camera and one.first <= other.last and other.first <= one.last:
        return True
    ways = [(one, other)] * (one.first <= other.first) + [(other, one)] * (other.first <= one.first)
    bounds = [(travel.get((before.camera, after.camera)), after.first - before.last) for before, after in ways]
    return not any(bound is None or bound[0] <= seconds <= bound[1] for bound, seconds in bounds)


seconds = st.integers(0, 12).map(float)
anyone = st.builds(
    lambda camera, first, length, identity: Seen(camera, first, first + length, identity),
    st.sampled_from(["c1", "c2", "c3", None]),
    seconds | st.just(nan),
    seconds,
    st.sampled_from([None, None, "Ada", "Ben"]),
)
limits = st.tuples(st.integers(-3, 8), st.integers(0, 8)).map(lambda bounds: (bounds[0], bounds[0] + bounds[1]))
ways = st.dictionaries(st.tuples(*[st.sampled_from(["c1", "c2", "c3"])] * 2), limits)


@given(st.lists(anyone, min_size=1, max_size=6), ways)
def test_pairs_are_apart_as_one_by_one(seen, travel):
    constraints = Constraints(passes_from(seen), travel=Travel(travel))
    places = np.arange(len(seen))
    found = constraints.apart(places[:, None], places)
    for one in places:
        for other in places[places != one]:
            assert found[one, other] == slow(seen[one], seen[other], travel)
