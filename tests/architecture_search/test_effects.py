"""Effects of options: what is estimated of a known truth, and how sure it is."""

from itertools import combinations, product

import numpy as np
import pytest

from msinet.architecture_search.effects import STRENGTHS, Effects, Trial, features, sizes
from msinet.architecture_search.trained_trials import draw_apart
from msinet.model.msinet.search_space import SCALES, Place, SearchSpace

SMALL = SearchSpace(
    ("none", "exchange", "channel_gate"),
    stages=2,
    cells_per_stage=2,
    interactions_per_cell=1,
    depths=((1,), (0, 2)),
    fewer_cells=True,
)

NOISE = 0.01
"""Standard deviation of a single score."""


def truth_of(space: SearchSpace, everywhere: dict[str, float], seed: int = 0, strength: float = 0.0) -> np.ndarray:
    """Return effects (D,): some that hold everywhere, and random ones in stages and at places."""
    columns, random = space.columns, np.random.default_rng(seed)
    truth = strength * random.standard_normal(sum(sizes(space)))
    for name, effect in everywhere.items():
        truth[columns.index(name)] += effect
    return truth


def observed(space: SearchSpace, truth: np.ndarray, count: int, seed: int, noise: float = NOISE) -> list[Trial]:
    """Return trials of random networks: their true scores and noise."""
    random = np.random.default_rng(seed)
    networks = [space.random(1000 * seed + number) for number in range(count)]
    scores = [0.4 + float(features(space, cells) @ truth) for cells in networks]
    return [Trial(cells, score + noise * random.standard_normal()) for cells, score in zip(networks, scores, strict=True)]


def deviations(effects: Effects, truth: np.ndarray, seed: int) -> np.ndarray:
    """Return how many standard errors the differences between random networks are from the true ones."""
    space = effects.space
    networks = [space.random(10**6 + 50 * seed + number) for number in range(12)]
    found = []
    for one, other in combinations(networks, 2):
        difference, error = effects.difference(one, other)
        found.append((difference - (features(space, one) - features(space, other)) @ truth) / error)
    return np.array(found)


def test_a_known_truth_is_found_within_the_errors():
    """One standard error holds 68 % of the true differences, and two 95 %, where all is normal."""
    found = []
    for seed in range(8):
        truth = truth_of(SCALES, {"exchange": 0.02, "b0": -0.02, "cells2": 0.01}, seed, strength=0.003)
        found.append(np.abs(deviations(Effects.of(SCALES, observed(SCALES, truth, 150, seed)), truth, seed)))
    assert 0.5 < np.mean(np.array(found) < 1) < 0.85
    assert np.mean(np.array(found) < 2) > 0.88


def test_an_option_that_does_the_same_everywhere_is_known_from_all_places():
    space = SCALES
    effects = Effects.of(space, observed(space, truth_of(space, {"exchange": 0.01}), 150, 0))
    exchange, none = [[Place(name)] * space.places for name in ("exchange", "none")]
    difference, error = effects.difference(space.cut(exchange), space.cut(none))
    assert difference == pytest.approx(0.12, abs=2 * error)
    one = space.cut([Place("exchange"), *none[1:]])
    assert effects.difference(one, space.cut(none))[0] == pytest.approx(0.01, abs=0.004)


def test_without_effects_most_differences_are_within_their_errors():
    """A difference that is estimated as 0 with an error of 0 is within it, too."""
    within = []
    for seed in range(20):
        effects = Effects.of(SMALL, observed(SMALL, truth_of(SMALL, {}), 60, seed))
        for name in ("exchange", "channel_gate"):
            one, other = (SMALL.cut([Place(option, 1, 2)] * SMALL.places) for option in (name, "none"))
            difference, error = effects.difference(one, other)
            within.append(abs(difference) <= error)
    assert np.mean(within) > 0.6


def test_a_network_differs_from_itself_by_nothing():
    effects = Effects.of(SMALL, observed(SMALL, truth_of(SMALL, {"exchange": 0.02}), 40, 0))
    assert effects.mean.any()
    assert effects.difference(SMALL.random(3), SMALL.random(3)) == (0, 0)


def test_differences_change_their_sign_with_the_order():
    effects = Effects.of(SMALL, observed(SMALL, truth_of(SMALL, {"exchange": 0.02}), 40, 0))
    one, other = SMALL.random(3), SMALL.random(4)
    (ahead, error), (behind, same) = effects.difference(one, other), effects.difference(other, one)
    assert (ahead, error) == (-behind, same)


def test_what_the_scores_of_a_supernet_have_in_common_does_not_count():
    trials = observed(SMALL, truth_of(SMALL, {"exchange": 0.02}), 60, 0)
    two = [Trial(trial.cells, trial.score, number % 2) for number, trial in enumerate(trials)]
    apart = [Trial(trial.cells, trial.score + 0.3 * trial.supernet, trial.supernet) for trial in two]
    expected, found = Effects.of(SMALL, two), Effects.of(SMALL, apart)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=1e-9, atol=1e-12)
    mixed_up = Effects.of(SMALL, [Trial(trial.cells, trial.score) for trial in apart])
    assert mixed_up.covariance.trace() > 10 * found.covariance.trace()


@pytest.mark.parametrize("score", [0.0, 0.1, 1.0])
def test_equal_scores_have_no_effects(score):
    effects = Effects.of(SMALL, [Trial(SMALL.random(seed), score) for seed in range(30)])
    assert not effects.mean.any() and not effects.values.any()


def test_the_estimate_is_that_of_a_regression_with_normal_priors():
    """Slow and independent: the likeliest of all variances for the scores' contrasts, and a ridge regression in which the
    number of convolutions in branch b, in units of its root mean square, is a feature of its own."""
    trials = observed(SMALL, truth_of(SMALL, {"exchange": 0.02, "b2": 0.01}, 1, 0.004), 40, 1)
    trials = [Trial(trial.cells, trial.score, number % 2) for number, trial in enumerate(trials)]
    x, y = np.array([features(SMALL, trial.cells) for trial in trials]), np.array([trial.score for trial in trials])
    supernets = np.array([[trial.supernet == i for i in range(2)] for trial in trials], float)
    contrasts = np.linalg.svd(supernets)[0][:, 2:].T  # (38, 40): all that does not change with a supernet's mean.
    convolutions = np.zeros((1, x.shape[1]))
    convolutions[0, SMALL.columns.index("b2")] = np.sqrt(2)
    parts = np.vstack([convolutions, np.eye(x.shape[1])])  # Effects are sums of parts that are independent of each other.
    x, y = contrasts @ x @ parts.T, contrasts @ y
    best, chosen = -np.inf, None
    for strengths in product(STRENGTHS, repeat=4):
        prior = np.repeat(strengths, (1, *sizes(SMALL)))
        covariance = np.eye(len(y)) + (x * prior) @ x.T
        variance = y @ np.linalg.inv(covariance) @ y / len(y)
        values = np.linalg.eigvalsh(variance * covariance)
        likelihood = -0.5 * (np.log(2 * np.pi * values).sum() + len(y))
        if likelihood > best:
            best, chosen = likelihood, (prior, variance)
    assert chosen
    prior, variance = chosen
    assert prior[0] > 0
    x, parts, prior = x[:, prior > 0], parts[prior > 0], prior[prior > 0]
    inverse = np.linalg.inv(x.T @ x + np.diag(1 / prior))
    effects = Effects.of(SMALL, trials)
    np.testing.assert_allclose(effects.mean, parts.T @ inverse @ x.T @ y, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(effects.covariance, variance * parts.T @ inverse @ parts, rtol=1e-9, atol=1e-12)


def test_few_networks_tell_what_a_convolution_costs_in_all_depths():
    """Ten networks of the whole space: too few for each option, enough for a slope."""
    slope = {
        f"{branch}{depth}": -0.01 * depth for branch, depths in zip("ab", SCALES.depths, strict=True) for depth in depths
    }
    truth = truth_of(SCALES, slope)
    drawn = draw_apart(SCALES, 10, 0)
    trials = [Trial(cells, 0.8 + float(features(SCALES, cells) @ truth)) for cells in drawn]
    effects = Effects.of(SCALES, trials)
    shallow, deep = (SCALES.cut([Place("none", *depths)] * SCALES.places) for depths in ((1, 0), (3, 5)))
    assert effects.difference(shallow, deep)[0] == pytest.approx(12 * 0.07, rel=0.1)


def test_without_trials_nothing_is_known():
    effects = Effects.unknown(SMALL)
    assert effects.difference(SMALL.random(0), SMALL.random(1)) == (0, 0)


def test_values_are_the_sums_of_what_an_option_does_everywhere_in_its_stage_and_at_its_place():
    effects = Effects.of(SMALL, observed(SMALL, truth_of(SMALL, {"exchange": 0.02}, 0, 0.004), 60, 0))
    for seed in range(5):
        cells = SMALL.random(seed)
        score = 0.0
        for s, stage in enumerate(cells):
            first = s * SMALL.places_per_stage
            score += effects.values[first][SMALL.columns.index(f"cells{len(stage)}")]
            for row, place in zip(effects.values[first:], (place for cell in stage for place in cell), strict=False):
                score += row[SMALL.columns.index(place.interaction)] + row[SMALL.columns.index(f"b{place.depth_b}")]
        assert features(SMALL, cells) @ effects.mean == pytest.approx(score)


def test_options_count_in_the_cells_that_a_network_has():
    gate, exchange = Place("channel_gate", 1, 0), Place("exchange", 1, 2)
    everywhere, *others = np.split(features(SMALL, (((gate,),), ((exchange,), (gate,)))), np.cumsum(sizes(SMALL))[:-1])
    stages, places = others[0].reshape(2, -1), others[1].reshape(4, -1)
    assert SMALL.columns == ("none", "exchange", "channel_gate", "b0", "b2", "cells1", "cells2")
    assert everywhere.tolist() == [0, 1, 2, 2, 1, 1, 1]
    assert stages.tolist() == [[0, 0, 1, 1, 0, 1, 0], [0, 1, 1, 1, 1, 0, 1]]
    assert places.tolist() == [[0, 0, 1, 1, 0, 1, 0], [0] * 7, [0, 1, 0, 0, 1, 0, 1], [0, 0, 1, 1, 0, 0, 0]]
