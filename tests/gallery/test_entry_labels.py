"""Labels of entries for training: given, by marks, by link."""

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.gallery.entries import Entry
from msinet.gallery.entry_labels import labels_of


def entries_of(*identities):
    """Entries from number 1; "~v1" is an identity by link."""
    return [
        Entry(id, name and name.lstrip("~"), None, None, None, None, {}, linked=bool(name) and name.startswith("~"))
        for id, name in enumerate(identities, 1)
    ]


def same(*ids):
    return [(one, other, True) for one, other in pairwise(ids)]


def different(one, other):
    return [(one, other, False)]


def names(identities, marks):
    """Name and source of each entry in its order, None without a label."""
    found = labels_of(entries_of(*identities), marks).by_entry
    return [tuple(found[id]) if id in found else None for id in range(1, len(identities) + 1)]


def test_without_marks_entries_have_what_was_given_or_linked():
    assert names(["v1", "~object-2", None], []) == [("v1", "given"), ("object-2", "linked"), None]


def test_the_given_identity_goes_to_all_that_marks_join():
    marks = same(1, 2) + same(3, 2)
    assert names([None, "~object-2", "v1", None], marks) == [("v1", "marked"), ("v1", "marked"), ("v1", "given"), None]


def test_without_a_given_identity_that_by_link_is_taken_and_then_a_new_one():
    assert names([None, "~object-2"], same(2, 1)) == [("object-2", "marked")] * 2
    assert names([None, None, None], same(3, 2)) == [None, ("marked-2", "marked"), ("marked-2", "marked")]


def test_a_new_name_is_nobody_elses():
    assert names([None, None, "marked-1"], same(1, 2))[:2] == [("marked-1'", "marked")] * 2


def test_linked_entries_that_nobody_marked_stay_where_marked_ones_go():
    assert names(["v1", "~object-2", "~object-2"], same(1, 2))[1:] == [("v1", "marked"), ("object-2", "linked")]


@pytest.mark.parametrize(
    ("identities", "marks"),
    [
        ([None, "~object-2", "~object-2"], same(1, 2, 3) + different(1, 3)),
        (["v1", None, "v2"], same(1, 2, 3)),
    ],
)
def test_marks_that_contradict_leave_all_as_it_was(identities, marks):
    assert names(identities, marks) == names(identities, [])
    assert labels_of(entries_of(*identities), marks).contradictions == ((1, 2, 3),)


def test_a_contradiction_spoils_no_other_marks():
    found = labels_of(entries_of("v1", "v2", None, None), same(1, 2) + same(3, 4))
    assert found.contradictions == ((1, 2),)
    assert found.by_entry[3].identity == found.by_entry[4].identity == "marked-3"


def test_a_given_identity_stands_against_a_mark_as_different():
    found = labels_of(entries_of("v1", "v1", None), different(1, 2) + same(2, 3))
    assert found.contradictions == ((1,), (2, 3))
    assert {id: label.identity for id, label in found.by_entry.items()} == {1: "v1", 2: "v1"}


def test_a_mark_as_different_stands_against_a_link():
    assert names(["~object-1", "~object-1", "~object-1"], different(1, 2)) == [None, None, ("object-1", "linked")]
    assert names(["v1", "~v1"], different(1, 2)) == [("v1", "given"), None]
    marks = different(1, 2) + same(2, 3)
    assert names(["v1", "~v1", None], marks)[1:] == [("marked-2", "marked")] * 2
    assert names(["~object-1", "~object-2"], different(1, 2)) == [("object-1", "linked"), ("object-2", "linked")]


def test_marks_of_entries_that_are_gone_say_nothing():
    assert names(["v1", None], [(1, 9, True), (9, 2, True)]) == [("v1", "given"), None]


def flooded(total, marks):
    """Components by a walk over the marks as the same."""
    beside = defaultdict(set)
    for one, other, are_same in marks:
        if are_same:
            beside[one].add(other)
            beside[other].add(one)
    components = {}
    for start in range(1, total + 1):
        seen, rest = {start}, [start]
        while rest:
            new = beside[rest.pop()] - seen
            rest += new
            seen |= new
        components[start] = frozenset(seen)
    return components


NAMES = st.sampled_from([None, None, "v1", "v2", "~v1", "~object-1", "~object-2"])
PAIRS = st.tuples(st.integers(1, 8), st.integers(1, 8), st.booleans()).filter(lambda mark: mark[0] != mark[1])


@given(st.lists(NAMES, min_size=8, max_size=8), st.lists(PAIRS, max_size=10, unique_by=lambda mark: frozenset(mark[:2])))
def test_whatever_is_marked_the_table_follows_it_or_says_that_it_contradicts(identities, marks):
    entries = entries_of(*identities)
    found, components = labels_of(entries, marks), flooded(8, marks)
    wrong = {id for group in found.contradictions for id in group}
    assert {components[id] for id in wrong} == {frozenset(group) for group in found.contradictions}
    label = {id: one.identity for id, one in found.by_entry.items()}
    for entry in entries:
        if entry.identity and not entry.linked:
            assert found.by_entry[entry.id] == (entry.identity, "given")
        if entry.id in wrong:
            assert label.get(entry.id) == entry.identity
    for one, other, are_same in marks:
        if wrong.isdisjoint((one, other)):
            assert not are_same or (one in label and label[one] == label.get(other))
            assert are_same or one not in label or label[one] != label.get(other)
