"""The two sides of the search: which images they have, and what their labels count."""

from dataclasses import replace

import pytest

from msinet.architecture_search.sides import twin_sides
from msinet.batches.loading import labels_of
from msinet.data.identity_splits import split_for_search
from msinet.data.records import identities


@pytest.fixture
def records(make_splits):
    return make_splits(train=12).train


def test_the_sides_are_the_split_by_overlap_and_seed(records, search_settings):
    settings = replace(search_settings, overlap=0.5, seed=3)
    assert twin_sides(settings, records).split == split_for_search(records, 0.5, 3)


def test_each_side_counts_its_own_identities(records, search_settings):
    sides = twin_sides(search_settings, records)
    for images, names in (
        (sides.split.weight_images, sides.weight_identities),
        (sides.split.alpha_images, sides.alpha_identities),
    ):
        assert names == identities(images) == sorted(names)
        assert [names[label] for label in labels_of(images, names)] == [record.identity for record in images]
    assert set(sides.weight_identities) | set(sides.alpha_identities) == set(identities(records))
