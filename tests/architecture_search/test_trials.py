"""Trials: which networks are drawn, on which images they are scored, and the file that keeps their scores."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from msinet.architecture_search import trials as trials_module
from msinet.architecture_search.one_shot import OneShotScores
from msinet.architecture_search.sides import Sides, twin_sides
from msinet.architecture_search.trials import can_be_scored, draw, run_trials, scored_images, scores_of
from msinet.architecture_search.twins import TwinsSearch, space_of
from msinet.data.identity_splits import SearchSplit
from msinet.data.records import identities
from msinet.engine.machine import Machine
from msinet.errors import DatasetError, FileError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import PUBLISHED, SCALES

EQUAL = [[1 / len(SCALES.columns)] * len(SCALES.columns)] * SCALES.places


@pytest.fixture(scope="module")
def records(make_splits):
    return make_splits(train=12).train


@pytest.fixture(scope="module")
def settings(search_settings):
    return replace(search_settings, space="scales", trials=20)


@pytest.fixture
def twins(settings, records):
    return TwinsSearch(settings, space_of(settings), twin_sides(settings, records), Machine(settings.machine))


@pytest.fixture
def scored(monkeypatch):
    """Let scoring take no time; return the networks that were scored. Their scores are numbers from 0 on."""
    seen = []

    class Counted:
        def score(self, cells):
            seen.append(cells)
            return (len(seen) - 1) / 100

    monkeypatch.setattr(trials_module, "scores_of", lambda twins, caches: Counted())
    return seen


def sure_of(cells, space=SCALES):
    """Return shares that have the options of one network at 1."""
    return space.indicators(cells)


def test_the_same_seed_draws_the_same_networks():
    assert draw(SCALES, EQUAL, 30, 5) == draw(SCALES, EQUAL, 30, 5)
    assert draw(SCALES, EQUAL, 30, 5) != draw(SCALES, EQUAL, 30, 6)


def test_more_trials_begin_with_the_same_networks():
    assert draw(SCALES, EQUAL, 40, 0)[:20] == draw(SCALES, EQUAL, 20, 0)


def test_every_option_is_tried_even_where_another_has_the_whole_mixture():
    """Its chance is at least half of that among equals: 1/8 of four interactions."""
    sure = sure_of(Architecture.uniform("none", depths=(1, 0)).cells)
    drawn = draw(SCALES, sure, 400, 0)
    for place in range(2):  # those of the first cell, which no network is without
        seen = Counter(cells[0][0][place] for cells in drawn)
        for field, options in (
            ("interaction", SCALES.choices),
            ("depth_a", SCALES.depths[0]),
            ("depth_b", SCALES.depths[1]),
        ):
            tried = Counter()
            for one, count in seen.items():
                tried[getattr(one, field)] += count
            chance = 0.5 / len(options)
            for option in options[1:]:
                assert tried[option] == pytest.approx(400 * chance, abs=4 * np.sqrt(400 * chance))
            assert tried[options[0]] == pytest.approx(400 * (0.5 + chance), abs=40)
    assert Counter(len(cells[0]) for cells in drawn)[1] == pytest.approx(100, abs=40)


def test_the_mixture_makes_its_options_likelier():
    shares = np.array(EQUAL)
    shares[0, :4] = [0.1, 0.6, 0.2, 0.1]
    taken = Counter(cells[0][0][0].interaction for cells in draw(SCALES, shares.tolist(), 800, 0))
    for share, name in zip(shares[0, :4], SCALES.choices, strict=True):
        assert taken[name] / 800 == pytest.approx((share + 0.25) / 2, abs=0.06)


def test_networks_of_the_published_space_differ_in_interactions_alone():
    equal = [[0.25] * 4] * 12
    assert all(Architecture.from_cells(cells).has_published_depths for cells in draw(PUBLISHED, equal, 10, 0))


def test_trials_are_written_one_a_line(twins, scored, tmp_path):
    trials = run_trials(twins, {}, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]
    assert [line["mAP"] for line in lines] == [trial.score for trial in trials] == [n / 100 for n in range(20)]
    assert [Architecture.from_dict(line).cells for line in lines] == [trial.cells for trial in trials] == scored


def test_what_is_in_the_file_is_not_scored_again(twins, scored, tmp_path):
    first = run_trials(twins, {}, tmp_path)
    assert run_trials(twins, {}, tmp_path) == first
    assert len(scored) == 20
    twins.settings = replace(twins.settings, trials=25)
    assert run_trials(twins, {}, tmp_path)[:20] == first
    assert len(scored) == 25


@pytest.mark.parametrize("left", [0, 1, 30, -1, -30], ids=lambda left: f"cut at {left}")
def test_an_interrupted_file_is_gone_on_with(twins, records, tmp_path, left):
    """With real scores: the same bytes, whatever is left of the line that was being written."""
    whole = run_trials(twins, {}, tmp_path / "whole")
    expected = (tmp_path / "whole/trials.jsonl").read_bytes()
    (tmp_path / "stopped").mkdir()
    lines = expected.splitlines(keepends=True)
    (tmp_path / "stopped/trials.jsonl").write_bytes(b"".join(lines[:18]) + lines[18][:left])
    assert run_trials(twins, {}, tmp_path / "stopped") == whole
    assert (tmp_path / "stopped/trials.jsonl").read_bytes() == expected


@pytest.mark.parametrize("line", [b"", b"null", b"{}", b'{"stages": 3}', b"\xff\xfe", b'{"mAP": 0.5}', b"[1, 2]"])
def test_a_damaged_line_and_what_follows_is_scored_again(twins, scored, tmp_path, line):
    run_trials(twins, {}, tmp_path)
    file = tmp_path / "trials.jsonl"
    lines = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join([*lines[:5], line, *lines[6:]]))
    run_trials(twins, {}, tmp_path)
    assert len(scored) == 20 + 15
    assert len(file.read_bytes().splitlines()) == 20


def test_trials_of_another_mixture_are_not_taken(twins, scored, tmp_path):
    run_trials(twins, {}, tmp_path)
    with torch.no_grad():
        twins.alphas.copy_(10 * torch.randn(twins.alphas.shape, generator=torch.Generator().manual_seed(0)))
    trials = run_trials(twins, {}, tmp_path)
    assert len(scored) == 40
    assert [trial.cells for trial in trials] == scored[20:]
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 20


def test_a_folder_that_cannot_be_written_is_named(twins, scored, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"cannot write .*trials\.jsonl"):
        run_trials(twins, {}, tmp_path / "file")


def test_trials_leave_the_supernet_as_it_was(twins, tmp_path):
    twins.supernet(torch.randn(4, 3, 32, 32))
    before = {name: tensor.clone() for name, tensor in twins.supernet.state_dict().items()}
    run_trials(twins, {}, tmp_path)
    assert all(tensor.equal(before[name]) for name, tensor in twins.supernet.state_dict().items())


def test_networks_are_scored_on_identities_that_the_weights_do_not_learn(settings, records):
    sides = twin_sides(settings, records)
    scored = scored_images(sides, settings, np.random.default_rng(0))
    others = set(sides.alpha_identities) - set(sides.weight_identities)
    assert set(identities(scored)) == others
    assert len(scored) == sum(record.identity in others for record in records)


def test_where_the_weights_learn_all_identities_other_images_of_theirs_are_scored(settings, records):
    halves = SearchSplit(records[::2], records[1::2])
    sides = Sides(halves, identities(records), identities(records))
    scored = scored_images(sides, settings, np.random.default_rng(0))
    assert {record.path for record in scored} == {record.path for record in halves.alpha_images}


def test_no_more_identities_are_scored_than_give_enough_images(settings, records, monkeypatch):
    monkeypatch.setitem(trials_module.SCORED_IMAGES, "shared", 5)
    scored = scored_images(twin_sides(settings, records), settings, np.random.default_rng(0))
    assert len(scored) == 8
    assert Counter(record.identity for record in scored) == dict.fromkeys(identities(scored), 4)


def test_statistics_come_from_whole_batches_of_the_weights_images(twins, monkeypatch):
    seen = []
    monkeypatch.setattr(OneShotScores, "__init__", lambda self, *arguments: seen.extend(arguments))
    scores_of(twins, {})
    _, for_statistics, batches, records, _ = seen
    assert {len(batch) for batch in for_statistics} == {twins.settings.batch_size}
    learnt = twins.sides.split.weight_images
    positions = [int(position) for batch in for_statistics for position in batch.positions]
    assert len(set(positions)) == len(positions) == len(learnt) // 8 * 8
    assert [int(position) for batch in batches for position in batch.positions] == [*range(len(records))]


def single(records):
    """Return one image of each identity."""
    return tuple({record.identity: record for record in records}.values())


def test_what_is_required_is_what_will_be_scored(twins, monkeypatch):
    """The draw is the same, where there are more identities than are scored."""
    monkeypatch.setitem(trials_module.SCORED_IMAGES, "shared", 5)
    asked = []
    monkeypatch.setattr(trials_module, "prepare_among", lambda records: asked.append(records))
    can_be_scored(twins.sides, twins.settings)
    assert asked == [scores_of(twins, {}).records]


def test_identities_of_single_images_cannot_be_scored(settings, records):
    sides = twin_sides(settings, single(records))
    assert not can_be_scored(sides, settings)
    with pytest.raises(DatasetError, match="a budget needs trials, and networks cannot be scored"):
        can_be_scored(sides, replace(settings, budget_macs=1e6))


def test_identities_of_several_images_can_be_scored(settings, records):
    assert can_be_scored(twin_sides(settings, records), settings)


def test_one_camera_is_enough_to_score(settings, records):
    one = [replace(record, camera="c0") for record in records]
    assert can_be_scored(twin_sides(settings, one), settings)
