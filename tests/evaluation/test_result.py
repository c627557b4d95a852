"""Results as values, and their files."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from msinet.data.settings import DataSettings
from msinet.errors import ResultError, SettingsError
from msinet.evaluation.evidence import Baseline, CameraPair, Evidence
from msinet.evaluation.metrics import PerQuery, Scores
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.record import EvaluateCommand, MachineFacts, ModelFacts, Record, RunCommand
from msinet.evaluation.result import RetrievalResult, save_results
from msinet.evaluation.scoring import evaluate_embeddings, evaluate_similarities


@pytest.fixture
def result(image) -> RetrievalResult:
    """A result of one query that is scored and one without a match, with a name beyond ASCII."""
    query = [image("é.jpg", "9", "c1"), image("q", "1", "c1")]
    gallery = [image("g0", "1", "c2"), image("g1", "2", "c2")]
    return evaluate_similarities(np.array([[0.3, 0.9], [0.1, 0.2]]), query, gallery, "market")


FOLDERS = {"data": Path("/data/crops"), "reading": DataSettings(format="folders")}
COMMANDS = (
    RunCommand(**FOLDERS, protocol="market"),
    EvaluateCommand(**FOLDERS, model=Path("/v"), machine={"device": "cpu"}, camera_pairs=True, draws=Path("/d.json")),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_saved_results_come_back(result, tmp_path, command):
    result = result.with_record(
        command=command,
        model=ModelFacts("msinet", {"channels": [16, 64]}, (32, 48), "abc"),
        machine=MachineFacts("cpu", "fp32", "x86_64", 1, 1),
        versions={"numpy": "2.0"},
        training={"seed": 0, "milestones": [1, 2]},
    ).with_evidence(baselines=(Baseline("colours", 0.1, 0.2),), camera_pairs=(CameraPair("c1", "c2", 1, 0.5, 0.0),))
    result.save(tmp_path / "new" / "result.json")
    again = RetrievalResult.load(tmp_path / "new" / "result.json")
    assert (again.scores, again.record, again.evidence) == (result.scores, result.record, result.evidence)
    assert again.to_dict() == result.to_dict()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["result.json"]


def test_a_result_of_embeddings_comes_back_with_its_pairs(make_images, tmp_path):
    images = make_images()
    result = evaluate_embeddings(images, images, "vehicleid")
    result.save(tmp_path / "result.json")
    again = RetrievalResult.load(tmp_path / "result.json")
    assert (again.scores, again.record, again.evidence) == (result.scores, result.record, result.evidence)
    np.testing.assert_array_equal(again.per_query.first_right, result.per_query.first_right)


@pytest.mark.parametrize("name", [b"\xb3\xb5001", b"caf\xe9", b"\xe8\xbd", "车 é".encode()])
def test_names_of_any_bytes_come_back(image, tmp_path, name):
    """File systems hold names that are not UTF-8, and folders of such names are identities, cameras and datasets."""
    text = os.fsdecode(name)
    images = [image(f"{text}/1.jpg", text, text), image(f"{text}/2.jpg", text, "c2"), image("lost.jpg", "alone", text)]
    result = evaluate_similarities(np.eye(3), images, images, "market")
    result = result.with_record(command=RunCommand(Path(text), DataSettings()))
    result.save(tmp_path / "result.json")
    save_results([result], tmp_path / "several.json")
    again = RetrievalResult.load(tmp_path / "result.json")
    assert again.to_dict() == result.to_dict()
    assert again.record.command is not None and os.fsencode(again.record.command.data) == name
    (written,) = json.loads((tmp_path / "several.json").read_text(encoding="utf-8"))["results"]
    assert written == json.loads(json.dumps(result.to_dict()))


def test_equal_results_give_equal_files_with_the_rules_in_words(result, tmp_path):
    result.with_record(versions={"a": "1", "b": "2"}).save(tmp_path / "1.json")
    result.with_record(versions={"b": "2", "a": "1"}).save(tmp_path / "2.json")
    text = (tmp_path / "1.json").read_text(encoding="utf-8")
    assert text == (tmp_path / "2.json").read_text(encoding="utf-8")
    assert json.loads(text)["rules"]["junk"] == PROTOCOLS["market"].description


def test_a_file_begins_with_protocol_and_scores(result):
    assert list(result.to_dict())[:6] == ["format", "protocol", "task", "mAP", "mAP_trapezoid", "mINP"]
    assert result.to_dict()["format"] == 2


@pytest.mark.parametrize("text", ["[]", "{}", '{"mAP": 1}', '{"format": 2}'])
def test_another_file_is_no_result(tmp_path, text):
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(
        ResultError, match=r"is not a result.*: pass a result that msinet run or msinet evaluate --json wrote"
    ):
        RetrievalResult.load(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is an empty file"),
        (b"\xff\xd8\xff", "is a JPEG image: pass a result"),
        (b"mAP: 1", "is a text file: pass a result"),
    ],
)
def test_a_file_without_json_says_what_it_is(tmp_path, content, words):
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(ResultError, match=words):
        RetrievalResult.load(tmp_path / "result.json")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"mAP": "high"}, "'high' is not of type int or float"),
        ({"cmc": 1.0}, "1.0 is not of type list or tuple"),
        ({"more": 1}, "more"),
        ({"task": None}, "None is not of type str"),
    ],
)
def test_a_value_of_another_type_is_named(result, tmp_path, change, fault):
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result.to_dict() | change))
    with pytest.raises(ResultError, match=f"is not a result that msinet saved .*{fault}"):
        RetrievalResult.load(path)


def test_a_file_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(ResultError, match=r"cannot read .*result\.json"):
        RetrievalResult.load(tmp_path / "result.json")


def test_a_file_of_a_later_version_is_not_guessed_at(result, tmp_path):
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result.to_dict() | {"format": 3}))
    with pytest.raises(ResultError, match="later version"):
        RetrievalResult.load(path)


def test_a_file_of_several_results_is_not_taken_for_one(result, tmp_path):
    save_results([result, result], tmp_path / "results.json")
    with pytest.raises(ResultError, match="holds 2 results: pass a file with one"):
        RetrievalResult.load(tmp_path / "results.json")


def test_a_failed_save_leaves_the_old_file(result, tmp_path):
    path = tmp_path / "result.json"
    result.save(path)
    before = path.read_text(encoding="utf-8")
    with pytest.raises(TypeError):
        result.with_record(training={"no JSON value": {1, 2}}).save(path)
    assert path.read_text(encoding="utf-8") == before


def test_changes_leave_the_old_result_as_it_was(result):
    changed = result.with_record(task="800").with_evidence(baselines=(Baseline("colours", 0.1, 0.2),))
    assert (changed.task, changed.evidence.baselines[0].name) == ("800", "colours")
    assert (result.task, result.evidence.baselines) == ("", ())


def test_scores_that_are_means_over_draws_have_no_interval():
    per_query = PerQuery(("q",), ("1",), np.ones(1), np.ones(1), np.ones(1))
    result = RetrievalResult(Scores(1, 1, 1, (1.0,), 1, 1), per_query, Record("vehicleid"), Evidence())
    assert result.intervals["mAP"] == (1, 1)
    drawn = replace(result, scores=replace(result.scores, deviations={"mAP": 0.1}))
    assert drawn.intervals == {}


def test_ranks_end_where_they_were_computed():
    scores = Scores(1, 1, 1, tuple([0.5] * 50), 1, 60)
    assert scores.rank(50) == 0.5
    for k in (0, 51):
        with pytest.raises(SettingsError, match="choose k from 1 to 50"):
            scores.rank(k)
