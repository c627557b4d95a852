"""Sketches against sets that are kept whole."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.files.content_hash import content_hash
from msinet.files.sketch import SIZE, Overlap, Sketch


def contents(seed, start, stop):
    return {content_hash(f"{seed} {number}".encode()) for number in range(start, stop)}


SETS = st.tuples(st.integers(0, 10**9), st.integers(1, 1500), st.integers(0, 1500), st.integers(1, 1500))
"""A seed, and three numbers of contents: of a set alone, of both sets, of the other set alone."""


@given(SETS)
def test_the_share_of_a_set_in_another_is_estimated(sizes):
    seed, alone, both, others = sizes
    learned, asked = contents(seed, 0, alone + both), contents(seed, alone, alone + both + others)
    exact = len(learned & asked) / len(asked)
    found = Sketch.of(learned).overlap(asked)
    if len(learned) <= SIZE:
        assert found == Overlap(len(learned & asked), len(asked))
    elif found:
        # Hoeffding's bound for as many draws: it is exceeded once in ten million times.
        assert abs(found.share - exact) < 3 / min(found.compared, SIZE) ** 0.5


@given(SETS)
def test_the_sketch_of_a_union_is_that_of_all_contents(sizes):
    seed, alone, both, others = sizes
    one, other = contents(seed, 0, alone + both), contents(seed, alone, alone + both + others)
    union = Sketch.of(one).union(Sketch.of(other))
    assert union.hashes == Sketch.of(one | other).hashes
    assert union.images == pytest.approx(len(one | other), rel=0.2)
    if max(len(one), len(other)) <= SIZE:
        assert union.images == len(one | other)


def test_the_union_of_sets_without_a_common_content_has_the_sum_of_them():
    assert Sketch.of(contents(1, 0, 5000)).union(Sketch.of(contents(1, 5000, 8000))).images == 8000


@pytest.mark.parametrize("count", [3, 3000])
def test_a_set_and_itself_or_nothing_are_the_set(count):
    sketch = Sketch.of(contents(2, 0, count))
    assert sketch.images == count
    assert sketch.union(sketch) == sketch.union(None) == sketch.union(Sketch.of([])) == sketch


def test_nothing_is_said_of_contents_that_a_sketch_cannot_tell():
    sketch = Sketch.of(contents(3, 0, 3000))
    above = [content for content in contents(3, 0, 3000) if content.hex() > sketch.hashes[-1] + "f" * 16]
    assert len(above) == 3000 - SIZE
    assert sketch.overlap(above) is None
    assert sketch.overlap([]) is None


def test_a_sketch_comes_back_from_json():
    sketch = Sketch.of(contents(4, 0, 300))
    assert Sketch.of_plain(json.loads(json.dumps(asdict(sketch)))) == sketch


@pytest.mark.parametrize(
    "values",
    [
        {"images": 2, "hashes": ["0" * 16]},
        {"images": 2, "hashes": ["1" * 16, "0" * 16]},
        {"images": 1, "hashes": ["no hash"]},
    ],
)
def test_what_is_no_sketch_is_refused(values):
    with pytest.raises(ValueError, match="no sketch"):
        Sketch.of_plain(values)
