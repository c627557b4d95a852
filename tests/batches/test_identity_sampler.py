import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.batches.identity_sampler import IdentitySampler
from msinet.errors import SettingsError


@st.composite
def samplers(draw):
    """Return a sampler of random identities, and the identity of each image."""
    sizes = draw(st.lists(st.integers(1, 11), min_size=1, max_size=9))
    identities = draw(st.permutations([identity for identity, size in enumerate(sizes) for _ in range(size)]))
    sampler = IdentitySampler(identities, draw(st.integers(1, len(sizes))), draw(st.integers(1, 5)), draw(st.integers(0, 9)))
    return sampler, np.array(identities)


def groups(sampler: IdentitySampler, epoch: int = 0) -> np.ndarray:
    """Return an epoch's images, (batches, P, K)."""
    return sampler.epoch(epoch).reshape(len(sampler), sampler.identities_per_batch, sampler.images_per_identity)


@given(samplers())
def test_an_epoch_has_its_length_in_full_batches(drawn):
    sampler, identities = drawn
    wanted = sum(math.ceil(size / sampler.images_per_identity) for size in Counter(identities.tolist()).values())
    assert len(sampler) == math.ceil(wanted / sampler.identities_per_batch)
    assert sampler.epoch(0).shape == (len(sampler), sampler.identities_per_batch * sampler.images_per_identity)


@given(samplers())
def test_every_identity_appears_in_every_epoch(drawn):
    sampler, identities = drawn
    for epoch in (0, 1):
        assert set(identities[sampler.epoch(epoch)].ravel()) == set(identities)


@given(samplers())
def test_a_batch_has_p_different_identities_with_k_images_side_by_side(drawn):
    sampler, identities = drawn
    for batch in identities[groups(sampler)]:
        assert (batch == batch[:, :1]).all()
        assert len(set(batch[:, 0])) == sampler.identities_per_batch


@given(samplers())
def test_only_identities_with_few_images_repeat_them_and_evenly(drawn):
    sampler, identities = drawn
    sizes = Counter(identities.tolist())
    for group in groups(sampler).reshape(-1, sampler.images_per_identity):
        shown = Counter(group.tolist()).values()
        if sizes[identities[group[0]]] >= len(group):
            assert set(shown) == {1}
        else:
            assert len(shown) == sizes[identities[group[0]]]
            assert max(shown) - min(shown) <= 1


@given(samplers())
def test_every_image_appears_if_its_identitys_groups_fit(drawn):
    sampler, identities = drawn
    shown = set(sampler.epoch(0).ravel())
    for identity, size in Counter(identities.tolist()).items():
        if math.ceil(size / sampler.images_per_identity) <= len(sampler):
            assert shown.issuperset(np.flatnonzero(identities == identity))


@given(samplers(), st.integers(0, 100))
def test_seed_and_epoch_fix_the_batches(drawn, epoch):
    sampler, identities = drawn
    again = IdentitySampler(identities, sampler.identities_per_batch, sampler.images_per_identity, sampler.seed)
    again.epoch(epoch + 1)  # Earlier epochs have no effect.
    np.testing.assert_array_equal(again.epoch(epoch), sampler.epoch(epoch))


def test_other_epochs_and_seeds_give_other_batches():
    identities = np.repeat(np.arange(10), 8)
    epochs = [IdentitySampler(identities, 4, 4, seed).epoch(epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert len({epoch.tobytes() for epoch in epochs}) == 4


def test_the_last_batch_is_filled_with_different_identities_each_epoch():
    sampler = IdentitySampler(range(10), 4, 1, 0)  # 10 images, 12 places
    twice = {tuple(np.flatnonzero(np.bincount(sampler.epoch(epoch).ravel()) == 2)) for epoch in range(10)}
    assert all(len(identities) == 2 for identities in twice)
    assert len(twice) > 1


def test_identities_meet_others_in_each_epoch():
    sampler = IdentitySampler(range(12), 3, 1, 0)
    neighbours = {tuple(sorted(batch)) for epoch in range(5) for batch in sampler.epoch(epoch)}
    assert len(neighbours) > 15  # of at most 20


def test_an_identity_with_more_groups_than_batches_fills_every_batch():
    identities = [0] * 40 + [1, 2, 3]
    sampler = IdentitySampler(identities, 2, 4, 0)
    images = [image for image in sampler.epoch(0).ravel() if image < 40]
    assert len(images) == len(set(images)) == 4 * len(sampler)


def test_too_few_identities_name_the_setting():
    with pytest.raises(SettingsError, match=r"identities_per_batch is 16, but only 3 .*: set it to at most 3, or") as error:
        IdentitySampler([0, 0, 1, 2], 16, 4, 0)
    assert error.value.settings == ("identities_per_batch",)


def test_no_images_are_too_few_identities():
    with pytest.raises(SettingsError, match="but only 0 identities exist: add identities"):
        IdentitySampler([], 1, 4, 0)
