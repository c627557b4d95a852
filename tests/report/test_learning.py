import json
import shutil
from dataclasses import replace

import pytest

from msinet.architecture_search.certainty import Choice
from msinet.architecture_search.search import search
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


@pytest.fixture(scope="module")
def own_trials(make_splits, search_settings, tmp_path_factory):
    """Folder of a search whose trials have weights of their own."""
    out = tmp_path_factory.mktemp("own")
    search(make_splits(train=12), replace(search_settings, space="scales", trials=8, trial_weights="own"), out)
    return out


def test_a_search_without_a_supernet_shows_its_trials_alone(own_trials):
    found = search_part(own_trials, None)
    assert found.shares is found.losses is None and found.by_trials
    assert "have hardly learned" in found.doubts and "shares differ" not in found.doubts
    assert found.trials.count("<use") >= 8 and "light 3x3 convolutions" in found.trials
    written = json.loads((own_trials / "architecture.json").read_text())
    assert len(found.places) == sum(map(len, Architecture.from_dict(written).cells)) * 2
    assert {choice.gain for place in found.places for choice in place.choices if choice} == {
        choice["gain"] for choice in written["choices"]
    }


def test_trials_of_a_supernet_are_shown_beside_its_shares(folder, model, own_trials, tmp_path):
    for name in ("architecture.json", "search.jsonl"):
        shutil.copy(folder / name, tmp_path)
    assert search_part(tmp_path, model).trials is None
    shutil.copy(own_trials / "trials.jsonl", tmp_path)
    found = search_part(tmp_path, model)
    assert found.trials and found.shares and found.losses


def test_finals_are_shown_beside_the_trials(own_trials, tmp_path):
    """With a colour of their own, which the key names."""
    shutil.copytree(own_trials, tmp_path, dirs_exist_ok=True)
    before = search_part(tmp_path, None).trials
    written = json.loads((tmp_path / "architecture.json").read_text())
    finals = {"epochs": 30, "scores": [[6, 0.3], [12, 0.4]]}
    (tmp_path / "architecture.json").write_text(json.dumps(written | {"finals": finals}))
    after = search_part(tmp_path, None).trials
    assert "finals" in after and "finals" not in before
    assert after.count("<use") >= before.count("<use") + 3


@pytest.mark.parametrize("damage", [{"effects": None}, {"effects": {"columns": [], "rows": [7]}}, {"effects": {"rows": []}}])
def test_damaged_effects_leave_the_search_out(own_trials, tmp_path, damage):
    shutil.copytree(own_trials, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "architecture.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | damage))
    assert search_part(tmp_path, None) is None


def test_trials_of_another_format_are_left_out(own_trials, tmp_path):
    shutil.copytree(own_trials, tmp_path, dirs_exist_ok=True)
    (tmp_path / "trials.jsonl").write_text('{"mAP": 0.5}\n[]\n')
    assert search_part(tmp_path, None).trials is None
