from dataclasses import replace

import numpy as np
import pytest

from msinet.data.records import RetrievalTask
from msinet.engine.embed import embed
from msinet.engine.evaluate import evaluate, evaluate_all, score_embeddings
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.settings import ScoringSettings
from msinet.model.architecture import Architecture, channels_at
from msinet.model.msinet import MSINet


@pytest.fixture(scope="module")
def model():
    return MSINet(Architecture.named("veri776"), 3, channels_at(0.25), (32, 48)).eval()


def test_result_says_what_was_scored_and_with_what(model, make_splits):
    splits = make_splits()
    info = evaluate(model, splits, camera_pairs=True, scoring=ScoringSettings(flip=True)).info
    assert info["data"]["fingerprint"] == splits.fingerprint()
    assert info["model"]["architecture"] == model.architecture.to_dict()
    assert info["scoring"]["flip"] is True
    assert {"tpr_at_fpr", "curve"} == set(info["roc"])
    assert [(pair["query_camera"], pair["gallery_camera"]) for pair in info["camera_pairs"]] == [("c0", "c1"), ("c1", "c0")]


def test_nothing_to_score_is_an_error(model, make_splits):
    with pytest.raises(DatasetError, match="nothing to score"):
        evaluate(model, make_splits(test=0))


@pytest.fixture
def sized(make_splits):
    """A dataset with two test sizes, usually scored by drawn galleries."""
    splits = make_splits(test=6)
    few = tuple(record for record in splits.gallery if record.identity < "v011")
    tasks = {"3": RetrievalTask(few, few), "6": RetrievalTask(splits.query, splits.gallery)}
    return replace(splits, tasks=tasks, query=few, gallery=few, protocol="vehicleid")


def test_every_test_size_is_scored_under_every_protocol(model, sized, tmp_path):
    results = evaluate_all(model, sized, protocols=(None, "market"), draws=tmp_path / "draws.json")
    assert [(r.task, r.protocol, r.gallery) for r in results] == [
        ("3", "vehicleid", 3),
        ("3", "market", 12),
        ("6", "vehicleid", 6),
        ("6", "market", 24),
    ]
    assert "rankings" not in results[0].info
    again = evaluate_all(model, sized, ["6"], draws=tmp_path / "draws.json")[0]
    assert again.info["draws"] == results[2].info["draws"]
    assert again.mAP == results[2].mAP


def test_a_file_of_draws_is_only_read_where_nothing_is_to_be_added(model, sized, tmp_path):
    file = tmp_path / "draws.json"
    evaluate_all(model, sized, ["3"], draws=file)
    before = file.stat().st_mtime_ns
    evaluate_all(model, sized, ["3"], draws=file)
    assert file.stat().st_mtime_ns == before


def test_the_first_size_is_the_one_that_stands_for_the_dataset(model, sized):
    assert evaluate(model, sized).task == "3"


def test_embeddings_of_anybody_are_scored_as_a_model_is(model, make_splits):
    splits = make_splits()
    embeddings = embed(model, splits.gallery)
    scored, expected = score_embeddings(embeddings, splits)[0], evaluate(model, splits)
    assert scored.scores() == expected.scores()
    assert scored.info["model"]["dimensions"] == model.embedding_dim
    np.testing.assert_array_equal(scored.average_precision, expected.average_precision)


def test_vectors_cannot_be_mirrored(model, make_splits):
    splits = make_splits()
    with pytest.raises(SettingsError, match="--flip needs a model"):
        score_embeddings(embed(model, splits.gallery), splits, scoring=ScoringSettings(flip=True))
