"""Result files of the version before."""

import json

import numpy as np
import pytest

from msinet.data.settings import DataSettings
from msinet.evaluation.evidence import Baseline, CameraPair, DrawFacts, Histogram
from msinet.evaluation.record import DataFacts, EmbeddingFacts, EvaluateCommand, MachineFacts, ModelFacts, RunCommand
from msinet.evaluation.result import RetrievalResult
from msinet.evaluation.settings import ScoringSettings

SCORES = {
    "protocol": "market",
    "task": "800",
    "mAP": 0.5,
    "mAP_trapezoid": 0.25,
    "mINP": 0.5,
    "intervals_95": {"mAP": [0.5, 0.5]},
    "deviations": {},
    "queries": 1,
    "gallery": 2,
    "rules": {"junk": "as ever"},
    "cmc": [0.0, 1.0],
    "without_right_answer": ["stranger.jpg"],
    "per_query": {
        "path": ["q.jpg"],
        "identity": ["7"],
        "average_precision": [0.5],
        "inverse_penalty": [0.5],
        "first_right": [2.0],
    },
}

IMAGE = {"path": "a.jpg", "identity": "7", "camera": None}

INFO = {
    "data": {"name": "crops", "fingerprint": "f", "train": 1, "validation": 0, "query": 2, "gallery": 2, "skipped": 0},
    "scoring": {"flip": True, "track_pooling": False, "query_expansion": 0, "rerank": False},
    "model": {
        "architecture": {"stages": [[["none"]]]},
        "identities": 3,
        "channels": [8, 16],
        "image_size": [32, 48],
        "weights": "w",
    },
    "machine": {"device": "cpu", "precision": "fp32", "processor": "x86_64", "threads": 2, "processes": 1},
    "versions": {"msinet": "0.1.0"},
    "similarities": {"edges": [0.0, 0.5, 1.0], "same": [1, 0], "different": [0, 1]},
    "roc": {"tpr_at_fpr": {"1e-02": 0.5, "1e-03": 0.25, "1e-04": 0.0}, "curve": {"fpr": [0.5, 1.0], "tpr": [0.75, 1.0]}},
    "draws": {"count": 10, "fingerprint": "d"},
    "baselines": {"colours": {"rank-1": 0.1, "mAP": 0.2}},
    "camera_pairs": [{"query_camera": "c1", "gallery_camera": "c2", "queries": 1, "mAP": 0.5, "rank_1": 0.0}],
    "rankings": [
        {
            "group": "best",
            "average_precision": 0.5,
            "query": IMAGE,
            "answers": [IMAGE | {"similarity": 0.9, "verdict": verdict} for verdict in ("wrong", "right", "junk")],
        }
    ],
    "settings": {"search": {"seed": 1}, "train": {"seed": 2}},
    "command": {"data": "/crops", "options": {"format": None, "split_seed": 3, "verify": True}, "protocol": None},
}


@pytest.fixture
def read(tmp_path):
    def load(**changes) -> RetrievalResult:
        info = {name: value for name, value in (INFO | changes).items() if value is not None}
        (tmp_path / "result.json").write_text(json.dumps(SCORES | {"info": info}))
        return RetrievalResult.load(tmp_path / "result.json")

    return load


def test_scores_of_the_version_before_are_read(read):
    result = read()
    assert (result.protocol, result.task, result.mAP, result.mAP_trapezoid, result.mINP) == ("market", "800", 0.5, 0.25, 0.5)
    assert (result.rank(1), result.rank(2), result.queries, result.gallery) == (0, 1, 1, 2)
    assert (result.without_right_answer, result.per_query.path) == (("stranger.jpg",), ("q.jpg",))
    np.testing.assert_array_equal(result.per_query.first_right, [2])


def test_the_record_of_the_version_before_is_read(read):
    record = read().record
    assert record.data == DataFacts("crops", "f", 1, 0, 2, 2, 0)
    assert record.scoring == ScoringSettings(flip=True)
    assert record.model == ModelFacts("msinet", {n: v for n, v in INFO["model"].items() if n != "weights"}, (32, 48), "w")
    assert (record.machine, record.versions) == (MachineFacts("cpu", "fp32", "x86_64", 2, 1), {"msinet": "0.1.0"})
    assert (record.search, record.training) == ({"seed": 1}, {"seed": 2})
    assert record.command == RunCommand(data=record.command.data, reading=DataSettings(split_seed=3))
    assert record.command.data.as_posix() == "/crops"


def test_the_evidence_of_the_version_before_is_read(read):
    evidence = read().evidence
    assert evidence.similarities == Histogram((0.0, 0.5, 1.0), (1, 0), (0, 1))
    assert [evidence.roc.true_positive_rate(rate) for rate in (1e-2, 1e-3, 1e-4)] == [0.5, 0.25, 0]
    assert [point.true_positive_rate for point in evidence.roc.curve] == [0.75, 1]
    assert evidence.draws == DrawFacts(10, "d")
    assert evidence.baselines == (Baseline("colours", 0.1, 0.2),)
    assert evidence.camera_pairs == (CameraPair("c1", "c2", 1, 0.5, 0.0),)
    assert [answer.verdict for answer in evidence.rankings[0].answers] == ["non-match", "match", "junk"]


def test_a_scoring_of_a_model_is_read_with_its_command(read):
    scoring = {"flip": True, "track_pooling": False, "query_expansion": 0, "rerank": False}
    command = {
        "data": "/crops",
        "options": {"format": "folders", "split_seed": 0, "verify": False},
        "model": "/runs/v",
        "camera_pairs": True,
        "scoring": scoring,
        "settings": {"device": "cpu", "precision": "auto", "workers": 0, "deterministic": False},
        "draws": "/draws.json",
    }
    found = read(command=command).record.command
    assert isinstance(found, EvaluateCommand)
    assert (found.model.as_posix(), found.draws.as_posix()) == ("/runs/v", "/draws.json")
    assert (found.machine["device"], found.camera_pairs, found.reading.format) == ("cpu", True, "folders")


def test_a_scoring_of_embeddings_has_no_model(read):
    record = read(model={"embeddings": "e", "dimensions": 8}, command=None, settings=None).record
    assert (record.model, record.embeddings, record.command) == (None, EmbeddingFacts("e", 8), None)


def test_a_result_without_record_or_evidence_is_read(read):
    result = read(**dict.fromkeys(INFO))
    assert (result.record.data, result.evidence.rankings, result.evidence.roc) == (None, (), None)


def test_a_translated_result_is_written_in_the_new_format(read, tmp_path):
    result = read()
    result.save(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())["format"] == 2
    assert RetrievalResult.load(tmp_path / "again.json").to_dict() == result.to_dict()
