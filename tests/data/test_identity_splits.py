from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.data.identity_splits import halve_by_camera, halve_for_search, hold_out_validation, split_for_search
from msinet.data.records import ImageRecord, ReidSplits, identities
from msinet.errors import DatasetError, SettingsError


def image(identity: str, camera: str | None, number: int) -> ImageRecord:
    return ImageRecord(Path(f"{identity}_{camera}_{number}.jpg"), identity, camera)


RECORDS = [image(f"{i:02}", f"c{c}", n) for i in range(20) for c in range(3) for n in range(2)]


def paths(*sides) -> list[Path]:
    return sorted(record.path for side in sides for record in side)


def sides(records, *args, **options) -> tuple[set[str], set[str]]:
    split = split_for_search(records, *args, **options)
    return set(identities(split.weight_images)), set(identities(split.alpha_images))


@st.composite
def record_lists(draw):
    """Return records of a few identities, with one to six images each in up to three cameras or unknown ones."""
    cameras = draw(st.lists(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=6), max_size=12))
    return [image(f"{i}", camera, n) for i, seen_by in enumerate(cameras) for n, camera in enumerate(seen_by)]


@given(record_lists(), st.sampled_from([0.0, 0.4, 1.0]), st.integers(0, 5))
def test_every_image_is_on_one_side(records, overlap, seed):
    split = split_for_search(records, overlap, seed)
    assert paths(split.weight_images, split.alpha_images) == paths(records)  # and no path is in the records twice


def test_the_published_split():
    """Of 20 identities 2/5 are shared; a third of the rest trains the weights, two thirds the alphas."""
    weights, alphas = sides(RECORDS)
    assert len(weights & alphas) == 8
    assert (len(weights), len(alphas)) == (12, 16)  # 60 % and 80 %


def test_without_overlap_no_identity_is_on_both_sides():
    weights, alphas = sides(RECORDS, overlap=0)
    assert weights.isdisjoint(alphas)
    assert (len(weights), len(alphas)) == (7, 13)


def test_with_full_overlap_every_identity_is_on_both_sides():
    split = split_for_search(RECORDS, overlap=1)
    assert set(identities(split.weight_images)) == set(identities(split.alpha_images)) == set(identities(RECORDS))
    assert len(split.weight_images) == len(split.alpha_images) == len(RECORDS) // 2


@given(record_lists(), st.integers(0, 5))
def test_halved_for_the_search_every_identity_is_on_both_sides_or_has_one_image(records, seed):
    split = halve_for_search(records, seed)
    assert paths(split.weight_images, split.alpha_images) == paths(records)
    weights, alphas = (Counter(record.identity for record in side) for side in (split.weight_images, split.alpha_images))
    for identity, count in Counter(record.identity for record in records).items():
        assert weights[identity] >= 1
        assert abs(weights[identity] - alphas[identity]) == count % 2


@given(record_lists(), st.integers(0, 5))
def test_identities_with_a_single_image_are_not_shared(records, seed):
    weights, alphas = sides(records, overlap=1, seed=seed)
    several = {identity for identity, count in Counter(record.identity for record in records).items() if count > 1}
    assert weights & alphas == several


def test_single_images_make_room_for_others_among_the_shared():
    records = [image(f"single {i}", "a", 0) for i in range(6)] + [image(f"{i}", "a", n) for i in range(4) for n in (0, 1)]
    weights, alphas = sides(records, overlap=0.4)
    assert weights & alphas == {"0", "1", "2", "3"}


@given(record_lists(), st.integers(0, 5))
def test_a_shared_identitys_cameras_are_on_both_sides_alike(records, seed):
    split = split_for_search(records, overlap=1, seed=seed)
    counts = [Counter((r.identity, r.camera) for r in side) for side in (split.weight_images, split.alpha_images)]
    for identity in set(identities(split.weight_images)) & set(identities(split.alpha_images)):
        totals = [sum(n for (i, _), n in count.items() if i == identity) for count in counts]
        assert abs(totals[0] - totals[1]) <= 1
        for camera in ("a", "b", "c", None):
            assert abs(counts[0][identity, camera] - counts[1][identity, camera]) <= 1


def test_two_cameras_with_one_image_each_go_to_different_sides():
    records = [image("1", "a", 0), image("1", "b", 0)]
    assert sorted(map(len, halve_by_camera(records, np.random.default_rng(0)))) == [1, 1]
    assert {halve_by_camera(records, np.random.default_rng(seed))[0][0] for seed in range(20)} == {0, 1}


def test_records_sorted_by_camera_are_not_split_by_camera():
    """The published split halves a list: sorted by camera, one camera trains and the other validates."""
    records = [image("1", camera, n) for camera in ("a", "b") for n in range(10)]
    for half in halve_by_camera(records, np.random.default_rng(0)):
        assert Counter(records[i].camera for i in half) == {"a": 5, "b": 5}


def test_an_odd_image_goes_to_either_side():
    records = [image("1", "a", n) for n in range(3)]
    assert {len(halve_by_camera(records, np.random.default_rng(seed))[0]) for seed in range(20)} == {1, 2}


def test_the_seed_fixes_the_split():
    assert split_for_search(RECORDS, seed=1) == split_for_search(RECORDS, seed=1)
    assert split_for_search(RECORDS, seed=1) != split_for_search(RECORDS, seed=2)


def test_the_split_keeps_the_records_order():
    split = split_for_search(RECORDS)
    for side in (split.weight_images, split.alpha_images):
        assert list(side) == [record for record in RECORDS if record in side]


SPLITS = ReidSplits("parcels", train=tuple(RECORDS), query=(image("99", "c0", 0),), gallery=(image("99", "c1", 0),))


def test_validation_identities_are_their_own():
    held_out = hold_out_validation(SPLITS, 0.25)
    assert paths(held_out.train, held_out.validation) == paths(RECORDS)
    assert set(identities(held_out.train)).isdisjoint(identities(held_out.validation))
    assert len(identities(held_out.validation)) == 5
    assert (held_out.query, held_out.gallery) == (SPLITS.query, SPLITS.gallery)


def test_the_validation_split_is_the_same_each_time():
    assert hold_out_validation(SPLITS, 0.25) == hold_out_validation(SPLITS, 0.25)


def test_a_share_of_zero_changes_nothing():
    assert hold_out_validation(SPLITS, 0) == SPLITS


def test_a_dataset_with_a_validation_split_takes_no_share():
    with pytest.raises(DatasetError, match="parcels has a validation split of its own: set validation_share to 0") as error:
        hold_out_validation(hold_out_validation(SPLITS, 0.25), 0.25)
    assert error.value.settings == ("validation_share",)


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_share_that_leaves_a_side_empty_is_refused(share):
    with pytest.raises(SettingsError, match=f"validation_share is {share}: of 20 identities it leaves none"):
        hold_out_validation(SPLITS, share)
