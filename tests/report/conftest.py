"""A run of seconds, and its page."""

from dataclasses import replace

import pytest

from msinet.architecture_search.search import search
from msinet.engine.evaluate import evaluate
from msinet.engine.machine import Machine
from msinet.engine.settings import settings_dict
from msinet.evaluation.evidence import Baseline
from msinet.report.page import write_report
from msinet.training.train import train


@pytest.fixture(scope="session")
def folder(make_splits, search_settings, train_settings, tmp_path_factory):
    """A search, a training and a scoring, as `msinet run` leaves them, with the page."""
    out, splits = tmp_path_factory.mktemp("run"), make_splits(12, 6)
    settings = replace(train_settings, validation_share=0.3, validate_every=1)
    found = search(splits, replace(search_settings, validation_share=0.3), out)
    network = train(splits, found.architecture, settings, out).network
    result = evaluate(network, splits, machine=Machine(settings.machine), camera_pairs=True)
    result = result.with_record(search=settings_dict(search_settings), training=settings_dict(settings))
    result.with_evidence(baselines=(Baseline("colour histogram", 0.125, 0.25),)).save(out / "result.json")
    write_report(out, splits.gallery)
    return out
