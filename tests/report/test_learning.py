import json
import shutil

import pytest

from msinet.evaluation.result import RetrievalResult
from msinet.report.learning import network_part, search_part, training_part
from msinet.report.speed import Cost


@pytest.fixture(scope="module")
def model(folder):
    return RetrievalResult.load(folder / "result.json").record.model


def test_choices_are_those_of_the_search(folder, model):
    written = json.loads((folder / "architecture.json").read_text())
    found = search_part(folder, model)
    assert [placed.choice.taken for placed in found.choices] == [choice["taken"] for choice in written["choices"]]
    assert [placed.choice.share for placed in found.choices] == [
        pytest.approx(choice["share"]) for choice in written["choices"]
    ]
    assert list(found.colours) == written["alphas"]["columns"]


def test_without_the_search_s_file_the_interactions_are_all(folder, model, tmp_path):
    shutil.copy(folder / "search.jsonl", tmp_path)
    assert search_part(tmp_path, model).colours == search_part(folder, model).colours


def test_a_folder_without_logs_has_no_search_and_no_training(model, tmp_path):
    assert (search_part(tmp_path, model), training_part(tmp_path)) == (None, None)


def test_a_training_without_validation_has_no_scores(folder, tmp_path):
    assert training_part(folder).validation
    log = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    lines = [json.dumps({name: value for name, value in epoch.items() if "validation" not in name}) for epoch in log]
    (tmp_path / "train.jsonl").write_text("\n".join(lines))
    assert training_part(tmp_path).validation is None


def test_cost_is_said_in_words(model):
    words = network_part(model, Cost(1_250_000, 2_000_000_000, 81.7)).cost
    assert words.startswith(
        "1.25 million parameters; 2.000 billion multiply-adds for an image of 32 x 32; 82 images a second"
    )


def test_without_a_network_there_is_no_part_on_it():
    assert network_part(None, None) is None
