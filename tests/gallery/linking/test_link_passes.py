"""Linking: groups of passes that show one object."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.errors import DatasetError, SettingsError
from msinet.gallery.linking.average_linkage import near_pairs
from msinet.gallery.linking.link_passes import link
from msinet.gallery.linking.passes import passes_of
from msinet.gallery.linking.travel import Travel


def passes_at(degrees, **columns):
    """Return passes of one entry each, whose vectors have these angles."""
    angles = np.radians(degrees)
    names = ("cameras", "tracks", "times", "identities", "groups")
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1)
    return passes_of(vectors, **{name: columns.get(name, [None] * len(degrees)) for name in names})


def members(groups):
    return [group.members for group in groups]


def test_similar_passes_are_one_group():
    groups = link(passes_at([0, 90, 5, 91, 180]), 0.9)
    assert members(groups) == [(0, 2), (1, 3), (4,)]
    assert all(group.identity is None and group.names == () for group in groups)


def test_the_certainty_is_the_calibrated_probability_of_the_weakest_merge():
    group, alone = link(passes_at([0, 2, 20, 100]), 0.9, probability=lambda similarity: similarity**2)
    average = np.cos(np.radians([20, 18])).mean()
    assert group.weakest
    assert (group.weakest.first, group.weakest.second) == (1, 2)
    assert group.weakest.average == pytest.approx(average, abs=1e-6)
    assert group.weakest.similarity == pytest.approx(np.cos(np.radians(18)), abs=1e-6)
    assert group.certainty == pytest.approx(average**2, abs=1e-6)
    assert (alone.certainty, alone.weakest) == (1, None)


def test_two_that_one_camera_saw_at_once_are_never_one():
    at_once = passes_at([0, 1], cameras=["c1", "c1"], times=[5, 5])
    assert members(link(at_once, 0.9)) == [(0,), (1,)]
    assert members(link(passes_at([0, 1], cameras=["c1", "c2"], times=[5, 5]), 0.9)) == [(0, 1)]


def test_travel_times_part_what_looks_alike():
    seen = passes_at([0, 1], cameras=["c1", "c2"], times=[0, 5])
    assert members(link(seen, 0.9, travel=Travel({("c1", "c2"): (10, 60)}))) == [(0,), (1,)]
    assert members(link(seen, 0.9, travel=Travel({("c2", "c1"): (10, 60)}))) == [(0, 1)]


def test_marks_of_a_person_stand_above_similarity():
    seen = passes_at([0, 1, 90, 150])
    groups = link(seen, 0.9, same=[(2, 3)], different=[(0, 1)])
    assert members(groups) == [(0,), (1,), (2, 3)]
    assert (groups[2].certainty, groups[2].weakest) == (1, None)  # a person said so


def test_a_group_takes_the_identity_of_a_member_and_joins_no_other():
    groups = link(passes_at([0, 1, 2, 3, 12], identities=["Ada", None, None, "Ben", "Ada"]), 0.9)
    assert [(group.members, group.identity) for group in groups] == [((0, 4), "Ada"), ((1, 2, 3), "Ben")]


def test_old_groups_stay_and_new_passes_join_them():
    groups = link(passes_at([0, 60, 35, 30, 120], groups=["g1", "g1", None, None, None]), 0.8)
    assert [(group.members, group.names) for group in groups] == [((0, 1, 2, 3), ("g1",)), ((4,), ())]
    assert groups[0].certainty < 0.8  # 0 and 60 degrees would not be merged today, and that shows


def test_old_groups_are_merged_with_each_other_unless_marked_as_different():
    seen = passes_at([0, 1, 2, 3, 4], groups=["g1", "g2", "g2", "g1", "g2"])
    (group,) = link(seen, 0.9)
    assert group.names == ("g2", "g1")  # the larger first
    assert [group.names for group in link(seen, 0.9, different=[(0, 4)])] == [("g1",), ("g2",)]


def test_an_old_group_that_a_person_contradicts_is_linked_anew():
    seen = passes_at([0, 1, 2, 40], groups=["g1"] * 4)
    groups = link(seen, 0.9, different=[(0, 3)])
    assert [(group.members, group.names) for group in groups] == [((0, 1, 2), ("g1",)), ((3,), ())]


def test_a_pass_in_two_old_groups_joins_them():
    vectors = np.eye(4, dtype=np.float32)
    none = [None] * 4
    seen = passes_of(vectors, none, ["t", "t", None, None], none, none, ["g1", "g2", "g1", "g2"])
    assert [(group.members, group.names) for group in link(seen, 0.9)] == [((0, 1, 2), ("g1", "g2"))]


def test_marks_that_contradict_each_other_are_refused():
    seen = passes_at([0, 1, 2], identities=["Ada", None, "Ben"])
    with pytest.raises(DatasetError, match="entries 0 and 1 are marked as different"):
        link(seen, 0.9, same=[(0, 1)], different=[(1, 0)])
    with pytest.raises(DatasetError, match="join the identities Ada and Ben"):
        link(seen, 0.9, same=[(0, 1), (1, 2)])


def test_only_groups_with_a_given_pair_are_merged():
    seen = passes_at([0, 1, 2, 90])
    assert members(link(seen, 0.9, pairs=np.array([[2, 1], [1, 2], [0, 3]]))) == [(0,), (1, 2), (3,)]
    assert link(seen, 0.9, pairs=near_pairs(seen.vectors, 0.9)) == link(seen, 0.9)


def test_a_threshold_that_is_no_cosine_and_a_pair_that_is_not_there_are_refused():
    for threshold in (1.5, float("nan")):
        with pytest.raises(SettingsError, match="give a cosine"):
            link(passes_at([0, 1]), threshold)
    with pytest.raises(ValueError, match="there are 2"):
        link(passes_at([0, 1]), 0.9, same=[(0, 2)])


def test_no_passes_are_no_groups():
    assert link(passes_of(np.empty((0, 4)), [], [], [], [], []), 0.5) == []


some = st.sampled_from
entry = st.tuples(
    st.integers(0, 60),  # degrees
    some(["c1", "c2", None]),
    some([0, 5, 9, None]),
    some([None, None, None, "Ada", "Ben"]),
    some([None, None, "g1", "g2"]),
)


@given(st.lists(entry, min_size=1, max_size=10, unique=True), st.floats(0.9, 0.999), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_passes(entries, threshold, random):
    order = random.sample(range(len(entries)), len(entries))
    marks = [(one, other) for one in range(len(entries)) for other in range(one) if random.random() < 0.1]
    place = {old: new for new, old in enumerate(order)}

    def linked(listed, different):
        columns = dict(zip(("cameras", "times", "identities", "groups"), list(zip(*listed, strict=True))[1:], strict=True))
        try:
            return link(passes_at([one[0] for one in listed], **columns), threshold, different=different)
        except DatasetError:
            return None

    before = linked(entries, marks)
    after = linked([entries[old] for old in order], [(place[one], place[other]) for one, other in marks])
    if before is None or after is None:
        assert before is after
        return
    facts = {(frozenset(one.members), one.identity, one.names, one.certainty) for one in before}
    assert facts == {(frozenset(order[n] for n in one.members), one.identity, one.names, one.certainty) for one in after}


@given(st.lists(entry, min_size=1, max_size=12), st.floats(0.9, 0.999))
def test_every_pass_is_in_one_group_and_no_group_has_two_identities(entries, threshold):
    degrees, cameras, times, identities, old = zip(*entries, strict=True)
    seen = passes_at(list(degrees), cameras=cameras, times=times, identities=identities, groups=old)
    groups = link(seen, threshold)
    assert sorted(place for group in groups for place in group.members) == list(range(len(entries)))
    for group in groups:
        assert {identities[place] for place in group.members} <= {None, group.identity}
    names = [name for group in groups for name in group.names]
    assert sorted(names) == sorted({name for name in old if name})


def test_what_was_linked_stays_when_it_is_linked_again():
    vectors = np.random.default_rng(0).standard_normal((200, 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    none = [None] * len(vectors)
    first = link(passes_of(vectors, none, none, none, none, none), 0.6)
    number_of = {place: number for number, group in enumerate(first) for place in group.members}
    names = [f"g{number_of[place]}" for place in range(len(vectors))]
    again = link(passes_of(vectors, none, none, none, none, names), 0.6)
    assert members(again) == members(first)
    assert [one.certainty for one in again] == pytest.approx([one.certainty for one in first], abs=1e-5)
