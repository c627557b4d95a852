"""The experiment on other domains: what it asks of a training, and its table."""

from dataclasses import replace

import pytest

from msinet.experiments.grid import once
from msinet.experiments.other_domains import ALIGNMENTS, OtherDomains, other_domains
from msinet.experiments.settings import OtherDomainsSettings
from msinet.training.settings import TrainSettings


@pytest.fixture
def settings(tmp_path):
    return OtherDomainsSettings(seeds=(0, 1), alignments=("none", "both"), device="cpu", out=tmp_path)


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]


def test_every_alignment_is_a_training_of_its_own(settings, train_settings):
    experiment = OtherDomains(settings, train_settings)
    found = {name: experiment.training(0, name) for name in ALIGNMENTS}
    assert len({repr(one) for one in found.values()}) == len(found)
    for one in found.values():
        assert (one.erasing, one.color_jitter, one.width, one.epochs) == (0, 0.4, 0.25, train_settings.epochs)
    plain = replace(TrainSettings(), **ALIGNMENTS["none"])
    assert plain == TrainSettings()


def test_each_source_and_alignment_is_a_row_of_what_is_done(settings, train_settings):
    experiment = OtherDomains(settings, train_settings)
    done = {("day", "none", 0): (0.5, 0.25), ("day", "none", 1): (0.7, 0.35), ("night", "both", 1): (0.125, 0.1)}
    for (city, alignment, seed), (rank_1, mean_ap) in done.items():
        scores = {name: {"rank_1": rank_1, "mAP": mean_ap} for name in ("day", "night")}
        file = experiment.folder(seed, city, alignment) / "scores.json"
        once(file, experiment.made_from(seed, alignment), lambda scores=scores: scores)
    spread = "60.0 (50.0-70.0) / 30.0 (25.0-35.0)"
    head, _, *rows = cells(experiment.table())
    assert head == ["trained by", "alignment", "seeds", "to day", "to night"]
    assert rows == [["day", "none", "2", spread, spread], ["night", "both", "1", "12.5 / 10.0", "12.5 / 10.0"]]


def test_seeds_are_shared_out(settings, train_settings):
    """A seed's worlds are made by one process."""
    jobs = [OtherDomains(replace(settings, share=share), train_settings).jobs() for share in ("1/2", "2/2")]
    assert [{job.name.rpartition(" ")[2] for job in own} for own in jobs] == [{"0"}, {"1"}]
    assert [len(own) for own in jobs] == [4, 4]


def test_networks_are_scored_in_all_domains_and_trained_once(settings, train_settings, make_splits, monkeypatch):
    splits = {city: make_splits(train=8, test=3) for city in ("day", "night")}
    monkeypatch.setattr(OtherDomains, "world", lambda self, seed, city: splits[city])
    one = replace(settings, seeds=(0,), alignments=("none",))
    table = other_domains(one, train_settings)
    assert [row[:3] for row in cells(table)[2:]] == [["day", "none", "1"], ["night", "none", "1"]]
    monkeypatch.setattr(OtherDomains, "world", None)
    assert other_domains(one, train_settings) == table


@pytest.mark.long
def test_a_seed_has_the_same_vehicles_by_day_and_by_night(settings, train_settings):
    pytest.importorskip("trimesh")
    experiment = OtherDomains(replace(settings, identities=2), train_settings)
    day, night = (experiment.world(0, city) for city in ("day", "night"))
    assert [record.identity for record in day.train] == [record.identity for record in night.train]
    assert day.fingerprint() == experiment.world(0, "day").fingerprint()
    assert len(day.gallery) == 8
