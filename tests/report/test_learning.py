import json
import shutil
from dataclasses import replace

import pytest

from msinet.architecture_search.certainty import Choice
from msinet.evaluation.result import RetrievalResult
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import PUBLISHED
from msinet.report.learning import network_part, search_part, training_part
from msinet.report.speed import Cost


@pytest.fixture(scope="module")
def model(folder):
    return RetrievalResult.load(folder / "result.json").record.model


def test_choices_are_those_of_the_search(folder, model):
    written = json.loads((folder / "architecture.json").read_text())
    found = search_part(folder, model)
    assert [place.choices for place in found.places] == [(Choice(**choice),) for choice in written["choices"]]
    assert list(found.colours) == written["alphas"]["columns"]
    assert found.chose_network


def test_choices_of_a_search_before_they_were_written_are_those_of_its_log(folder, model, tmp_path):
    shutil.copy(folder / "search.jsonl", tmp_path)
    written = json.loads((folder / "architecture.json").read_text())
    old = {name: written[name] for name in ("stages", "alphas")}
    (tmp_path / "architecture.json").write_text(json.dumps(old))
    before, now = (search_part(run, model) for run in (tmp_path, folder))
    shares = [[place.choices[0].share for place in found.places] for found in (before, now)]
    assert shares[0] == pytest.approx(shares[1])
    assert before.doubts == now.doubts


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


def test_a_network_of_another_architecture_is_not_what_the_search_chose(folder, model):
    other = Architecture.uniform("cross_attention", replace(PUBLISHED, cells_per_stage=1))
    trained = replace(model, arguments={**model.arguments, "architecture": other.to_dict()})
    found = search_part(folder, trained)
    assert not found.chose_network
    assert found.places == search_part(folder, model).places


def test_without_its_file_a_search_of_another_network_is_no_part(folder, model, tmp_path):
    shutil.copy(folder / "search.jsonl", tmp_path)
    wider = replace(model, arguments={**model.arguments, "architecture": Architecture.named("veri776").to_dict()})
    assert search_part(tmp_path, wider) is None


def test_of_repeats_the_curves_are_means(folder, model, tmp_path):
    shutil.copy(folder / "architecture.json", tmp_path)
    for number in range(2):
        (tmp_path / f"repeat-{number}").mkdir()
        shutil.copy(folder / "search.jsonl", tmp_path / f"repeat-{number}")
    assert search_part(tmp_path, model) == search_part(folder, model)


def test_cost_is_said_in_words(model):
    words = network_part(model, Cost(1_250_000, 2_000_000_000, 81.7)).cost
    assert words.startswith(
        "1.25 million parameters; 2.000 billion multiply-adds for an image of 32 x 32; 82 images a second"
    )
    assert "; 4.76 million multiply-adds" in network_part(model, Cost(90_000, 4_760_000, 81.7)).cost


def test_without_a_network_there_is_no_part_on_it():
    assert network_part(None, None) is None
