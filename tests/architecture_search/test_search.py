import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from msinet.architecture_search import conclusion
from msinet.architecture_search import twins as twins_module
from msinet.architecture_search.one_shot import OneShotScores
from msinet.architecture_search.search import search
from msinet.architecture_search.settings import SearchSettings
from msinet.architecture_search.sides import Sides
from msinet.architecture_search.twins import TwinsSearch
from msinet.batches.loading import Batch, RecordImages, embedding_batches
from msinet.data.identity_splits import SearchSplit, hold_out_validation
from msinet.data.records import ReidSplits
from msinet.engine.checkpoint import load_checkpoint
from msinet.engine.machine import Machine
from msinet.errors import CheckpointError, DatasetError, SettingsError, TrainingError
from msinet.model.cost import count_multiply_adds
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.latencies import Timing
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import PUBLISHED, SCALES
from msinet.model.msinet.widths import channels_at


@pytest.fixture
def splits(make_splits):
    return make_splits(train=12)


@pytest.fixture
def twins(search_settings, make_twins):
    return make_twins(search_settings)


def fill(twins: TwinsSearch, batches: list[Batch]) -> None:
    """Start both memories from the batches' own features."""
    for memory, batch in zip((twins.weight_memory, twins.alpha_memory), batches, strict=True):
        memory.fill(twins.supernet(batch.images).detach(), batch.identities)


def gradients(parameters) -> float:
    """Return the largest gradient that is left on parameters."""
    return max((p.grad.abs().max().item() for p in parameters if p.grad is not None), default=0.0)


def gradients_at_step_of(name: str, twins: TwinsSearch, batches: list[Batch], monkeypatch) -> tuple[float, float]:
    """Return the gradients on the weights and on the alphas when one of the optimizers steps."""
    seen = []
    optimizer = getattr(twins, name)
    monkeypatch.setattr(optimizer, "step", lambda: seen.append((gradients(twins.weights), gradients([twins.alphas]))))
    fill(twins, batches)
    twins.step(*batches)
    assert len(seen) == 1
    return seen[0]


def test_the_alpha_step_leaves_no_gradient_on_the_weights(twins, batches, monkeypatch):
    on_weights, on_alphas = gradients_at_step_of("alpha_optimizer", twins, batches, monkeypatch)
    assert on_weights == 0
    assert on_alphas > 0
    assert gradients(twins.supernet.parameters()) == 0


def test_the_weight_step_leaves_no_gradient_on_the_alphas(twins, batches, monkeypatch):
    on_weights, on_alphas = gradients_at_step_of("weight_optimizer", twins, batches, monkeypatch)
    assert on_alphas == 0
    assert on_weights > 0


def test_weights_learn_from_the_weight_batch_alone(search_settings, batches, make_twins):
    """Whatever the alphas' batch holds, one iteration leaves the same weights."""
    after = []
    for alpha_batch in (batches[1], replace(batches[1], images=-batches[1].images)):
        twins = make_twins(search_settings)
        fill(twins, batches)
        twins.step(batches[0], alpha_batch)
        after.append([p.detach().clone() for p in twins.weights])
    assert all(torch.equal(a, b) for a, b in zip(*after, strict=True))


def test_alphas_see_the_weights_just_updated(search_settings, batches, make_twins, monkeypatch):
    """The order is the report's: with the weights' update held back, the alphas' loss is another one."""
    losses = []
    for held_back in (False, True):
        twins = make_twins(search_settings)
        fill(twins, batches)
        if held_back:
            monkeypatch.setattr(twins.weight_optimizer, "step", lambda: None)
        twins.follow_schedules(10, 10)
        losses.append(twins.step(*batches)[1].item())
    assert losses[0] != losses[1]


def test_first_gradient_is_not_zero(twins, batches):
    """The memories start at the centroids: from zero, nothing would be learned by the first step."""
    fill(twins, batches)
    before = [p.detach().clone() for p in twins.weights]
    twins.step(*batches)
    assert any(not torch.equal(a, b) for a, b in zip(before, twins.weights, strict=True))


def test_search_writes_architecture_and_every_epochs_alphas(splits, search_settings, tmp_path):
    found = search(splits, search_settings, tmp_path)
    architecture, space = found.architecture, replace(PUBLISHED, cells_per_stage=1)
    written = json.loads((tmp_path / "architecture.json").read_text())
    lines = [json.loads(line) for line in (tmp_path / "search.jsonl").read_text().splitlines()]
    assert Architecture.load(tmp_path / "architecture.json") == architecture
    assert [line["epoch"] for line in lines] == [1, 2]
    assert lines[-1]["alphas"] == written["alphas"]["rows"]
    assert [list(row) for row in found.alphas] == lines[-1]["alphas"]
    assert Architecture.from_alphas(lines[-1]["alphas"], space) == architecture
    assert written["space"] == space.to_dict()
    assert [choice["taken"] for choice in written["choices"]] == list(architecture.interactions)
    assert [choice.taken for choice in found.choices] == list(architecture.interactions)
    assert written["doubts"] == list(found.doubts) != []  # after two epochs


def test_same_seed_same_search(splits, search_settings, tmp_path):
    for name in "ab":
        search(splits, search_settings, tmp_path / name)
    assert (tmp_path / "a/search.jsonl").read_text() == (tmp_path / "b/search.jsonl").read_text()


def test_same_search_at_any_number_of_workers(splits, search_settings, tmp_path):
    """Workers load only images that are not decoded yet: without the cache all of them."""
    settings = replace(search_settings, image_cache=False)
    search(splits, settings, tmp_path / "a")
    search(splits, replace(settings, workers=2), tmp_path / "b")
    assert (tmp_path / "a/search.jsonl").read_text() == (tmp_path / "b/search.jsonl").read_text()


def test_validation_identities_stay_out_of_the_search(splits, search_settings, tmp_path):
    """Whatever their images are labelled with besides, the search does not see it."""
    settings = replace(search_settings, validation_share=0.3)
    held_out = {record.identity for record in hold_out_validation(splits, 0.3).validation}
    others = tuple(record for record in splits.train if record.identity not in held_out)
    search(splits, settings, tmp_path / "a")
    search(replace(splits, train=others), search_settings, tmp_path / "b")
    assert (tmp_path / "a/search.jsonl").read_text() == (tmp_path / "b/search.jsonl").read_text()


def test_other_seed_other_search(splits, search_settings, tmp_path):
    search(splits, search_settings, tmp_path / "a")
    search(splits, replace(search_settings, seed=1), tmp_path / "b")
    assert (tmp_path / "a/search.jsonl").read_text() != (tmp_path / "b/search.jsonl").read_text()


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_stopped_search_goes_on_where_it_was(splits, search_settings, tmp_path, stop_after, steps):
    search(splits, search_settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt), stop_after("search", steps):
        search(splits, search_settings, tmp_path / "stopped")
    search(splits, search_settings, tmp_path / "stopped")
    for name in ("search.jsonl", "architecture.json"):
        assert (tmp_path / "stopped" / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_a_search_begun_anew_leaves_no_architecture_of_the_one_before(splits, search_settings, tmp_path, stop_after):
    search(splits, search_settings, tmp_path)
    for checkpoint in tmp_path.glob("*.safetensors"):
        checkpoint.unlink()
    with pytest.raises(KeyboardInterrupt), stop_after("search", 1):
        search(splits, search_settings, tmp_path)
    assert not (tmp_path / "architecture.json").exists()


def test_stopped_search_with_all_options_goes_on_where_it_was(splits, search_settings, tmp_path, stop_after):
    """In the middle of the second epoch, where the alphas learn and the mixture has cooled."""
    settings = replace(search_settings, alpha_start_epoch=1, mixture_temperature=0.2)
    search(splits, settings, tmp_path / "whole")
    epochs = [json.loads(line) for line in (tmp_path / "whole/search.jsonl").read_text().splitlines()]
    assert epochs[0]["alphas"] != epochs[1]["alphas"]
    steps = load_checkpoint(tmp_path / "whole/search.checkpoint.safetensors").values["step"]
    with pytest.raises(KeyboardInterrupt), stop_after("search", steps // 2 + 1):
        search(splits, settings, tmp_path / "stopped")
    search(splits, settings, tmp_path / "stopped")
    for name in ("search.jsonl", "architecture.json"):
        assert (tmp_path / "stopped" / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_alphas_rest_until_their_epoch_while_their_memory_follows(search_settings, batches, make_twins):
    twins = make_twins(replace(search_settings, alpha_start_epoch=1))
    fill(twins, batches)
    weights, alphas = twins.weights[0].detach().clone(), twins.alphas.detach().clone()
    centroids = twins.alpha_memory.centroids.clone()
    twins.follow_schedules(9, 10)
    twins.step(*batches)
    assert twins.alphas.equal(alphas)
    assert not twins.weights[0].equal(weights)
    assert not twins.alpha_memory.centroids.equal(centroids)
    twins.follow_schedules(10, 10)
    twins.step(*batches)
    assert not twins.alphas.equal(alphas)


def test_the_mixture_cools_by_equal_factors(search_settings, make_twins):
    """Over 2 epochs of 10 steps, from 1 to what is set."""
    twins = make_twins(replace(search_settings, mixture_temperature=0.1))
    seen = []
    for step in range(20):
        twins.follow_schedules(step, 10)
        seen.append(twins.mixture_temperature)
    assert (seen[0], seen[-1]) == (1, pytest.approx(0.1))
    assert [after / before for before, after in pairwise(seen)] == pytest.approx([0.1 ** (1 / 19)] * 19)


def test_a_mixture_at_a_tenth_of_the_temperature_is_one_of_ten_times_the_alphas(search_settings, batches, make_twins):
    losses = []
    for temperature, scale in ((1.0, 1.0), (0.1, 1.0), (1.0, 10.0)):
        twins = make_twins(search_settings)
        twins.alphas.data *= 1000 * scale
        twins.mixture_temperature = temperature
        for memory in (twins.weight_memory, twins.alpha_memory):
            memory.fill(torch.eye(4, 128), torch.arange(4))
        losses.append(torch.stack(twins.step(*batches)))
    torch.testing.assert_close(*losses[1:])
    assert not losses[0].equal(losses[1])


def test_other_settings_do_not_go_on(splits, search_settings, tmp_path):
    search(splits, search_settings, tmp_path)
    with pytest.raises(CheckpointError, match="epochs: 2 -> 3"):
        search(splits, replace(search_settings, epochs=3), tmp_path)


def test_damaged_checkpoint_is_named(splits, search_settings, tmp_path):
    search(splits, search_settings, tmp_path)
    checkpoint = tmp_path / "search.checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="checkpoint"):
        search(splits, search_settings, tmp_path)


def test_too_few_identities_say_what_to_set(splits, search_settings, tmp_path):
    with pytest.raises(SettingsError, match="identities_per_batch"):
        search(splits, replace(search_settings, identities_per_batch=100), tmp_path)


def test_loss_that_is_not_finite_names_the_images(splits, search_settings, tmp_path):
    settings = replace(search_settings, learning_rate=1e30, warmup_epochs=0)
    with pytest.raises(TrainingError, match=r"(nan|inf) at step [01].*\n.*\.png"):
        search(splits, settings, tmp_path)


def test_memories_hold_the_centroids_of_the_untrained_supernet(splits: ReidSplits, search_settings: SearchSettings):
    """An entry is the mean of its identity's unit features, over plain images."""
    records = splits.train[:8]
    sides = Sides(SearchSplit(records, records), ["v000", "v001"], ["v000", "v001"])
    twins = TwinsSearch(search_settings, replace(PUBLISHED, cells_per_stage=1), sides, Machine(search_settings))
    twins.fill_memories({})
    batch = next(iter(embedding_batches(RecordImages(records, (32, 32)))))
    labels, pixels = batch.identities, batch.images
    features = torch.nn.functional.normalize(twins.supernet(pixels).detach())
    for identity in range(2):
        mean = torch.nn.functional.normalize(features[labels == identity].mean(0), dim=0)
        torch.testing.assert_close(twins.weight_memory.centroids[identity], mean, atol=1e-4, rtol=1e-4)


@pytest.fixture(scope="module")
def by_trials(search_settings):
    """Settings of a search whose trials decide."""
    return replace(search_settings, space="scales", trials=20)


@pytest.fixture(scope="module")
def twelve(make_splits):
    return make_splits(train=12)


@pytest.fixture(scope="module")
def decided(twelve, by_trials, tmp_path_factory):
    """The folder of a search by trials, and what it found."""
    out = tmp_path_factory.mktemp("trials")
    return out, search(twelve, by_trials, out)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a search but its checkpoints, in which a time stands."""
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*") if path.suffix in (".json", ".jsonl", ".svg")}


def macs(architecture: Architecture, settings: SearchSettings) -> int:
    """Return the multiply-adds of a network, counted on the network itself."""
    return count_multiply_adds(MSINet(architecture, 1, channels_at(settings.width), settings.image_size))


def test_a_search_by_trials_writes_effects_and_findings(by_trials, decided):
    out, found = decided
    space = replace(SCALES, cells_per_stage=1)
    written = json.loads((out / "architecture.json").read_text())
    assert Architecture.load(out / "architecture.json") == found.architecture
    assert written["space"] == space.to_dict()
    assert written["alphas"]["columns"] == written["effects"]["columns"] == list(space.columns)
    assert [len(row) for row in written["effects"]["rows"]] == [11] * 6
    assert written["findings"] == list(found.findings)
    assert any("multiply-adds for an image of 32 x 32" in finding for finding in found.findings)
    for name in ("interaction", "depth_a", "depth_b"):
        taken = [choice["taken"] for choice in written["choices"] if choice["decision"] == name]
        assert taken == [str(getattr(place, name)) for place in found.architecture.places]
    assert len((out / "trials.jsonl").read_text().splitlines()) == by_trials.trials


@pytest.fixture
def deeper_is_better(decided, tmp_path, monkeypatch):
    """The folder of a search whose supernet is trained, and whose networks will score by exchanges and depths alone."""

    def score(self, cells):
        places = Architecture.from_cells(cells).places
        return sum(0.01 * sum(place.depths) + 0.03 * (place.interaction == "exchange") for place in places)

    monkeypatch.setattr(OneShotScores, "score", score)
    shutil.copytree(decided[0], tmp_path / "deeper")
    (tmp_path / "deeper/trials.jsonl").unlink()
    return tmp_path / "deeper"


def test_each_choice_has_its_gain_and_the_share_of_its_rival(twelve, by_trials, deeper_is_better):
    out = deeper_is_better
    found = search(twelve, by_trials, out)
    written = json.loads((out / "architecture.json").read_text())
    [last] = (json.loads(line) for line in (out / "search.jsonl").read_text().splitlines()[-1:])
    space = replace(SCALES, cells_per_stage=1)
    for choice in found.choices:
        [decision] = (decision for decision in space.decisions if decision.name == choice.decision)
        effects = dict(
            zip(map(str, decision.options), written["effects"]["rows"][choice.row][decision.columns], strict=True)
        )
        others = {option: effect for option, effect in effects.items() if option != choice.taken}
        assert choice.gain == pytest.approx(effects[choice.taken] - max(others.values()))
        assert others[choice.rival] == max(others.values())
        assert choice.gain is not None and choice.error is not None and choice.gain >= -choice.error
        shares = torch.tensor(last["alphas"][choice.row][decision.columns]).softmax(0).tolist()
        named = dict(zip(map(str, decision.options), shares, strict=True))
        assert (choice.share, choice.rival_share) == pytest.approx((named[choice.taken], named[choice.rival]))


def test_a_finished_search_by_trials_repeats_nothing(twelve, by_trials, decided, monkeypatch):
    out, found = decided
    before = files_of(out)
    monkeypatch.setattr(TwinsSearch, "step", None)
    monkeypatch.setattr(OneShotScores, "score", None)
    again = search(twelve, by_trials, out)
    assert (found.finished_before, again.finished_before) == (False, True)
    assert again == found
    assert files_of(out) == before


def test_other_numbers_of_trials_do_not_train_the_supernet_again(twelve, by_trials, decided, monkeypatch, tmp_path):
    shutil.copytree(decided[0], tmp_path, dirs_exist_ok=True)
    before = files_of(tmp_path)
    monkeypatch.setattr(TwinsSearch, "step", None)
    search(twelve, replace(by_trials, trials=22), tmp_path)
    after = files_of(tmp_path)
    assert after["search.jsonl"] == before["search.jsonl"]
    assert after["trials.jsonl"].splitlines()[:20] == before["trials.jsonl"].splitlines()
    assert len(after["trials.jsonl"].splitlines()) == 22
    without = search(twelve, replace(by_trials, trials=0), tmp_path)
    assert "effects" not in json.loads((tmp_path / "architecture.json").read_text())
    assert without.architecture == Architecture.from_alphas(without.alphas, replace(SCALES, cells_per_stage=1))


@pytest.mark.parametrize("trials", [1, 12])
def test_a_search_stopped_during_its_trials_goes_on_where_it_was(twelve, by_trials, decided, tmp_path, stop_after, trials):
    with pytest.raises(KeyboardInterrupt), stop_after("trials", trials):
        search(twelve, by_trials, tmp_path)
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == trials
    assert not (tmp_path / "architecture.json").exists()
    search(twelve, by_trials, tmp_path)
    assert files_of(tmp_path) == files_of(decided[0])


def test_a_search_begun_anew_leaves_no_trials_of_the_one_before(twelve, by_trials, decided, tmp_path, stop_after):
    shutil.copytree(decided[0], tmp_path, dirs_exist_ok=True)
    for checkpoint in tmp_path.glob("*.safetensors"):
        checkpoint.unlink()
    with pytest.raises(KeyboardInterrupt), stop_after("search", 1):
        search(twelve, by_trials, tmp_path)
    assert not (tmp_path / "trials.jsonl").exists()


@pytest.mark.long
def test_two_repeats_decide_one_architecture(twelve, by_trials, decided, tmp_path):
    settings = replace(by_trials, repeats=2)
    found = search(twelve, settings, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"repeat-0", "repeat-1", "architecture.json", "architecture.svg"}
    assert not list(tmp_path.glob("repeat-*/architecture.json"))
    assert (tmp_path / "repeat-0/trials.jsonl").read_bytes() == (decided[0] / "trials.jsonl").read_bytes()
    assert (tmp_path / "repeat-1/trials.jsonl").read_bytes() != (decided[0] / "trials.jsonl").read_bytes()
    own = [json.loads((tmp_path / f"repeat-{i}/search.jsonl").read_text().splitlines()[-1])["alphas"] for i in (0, 1)]
    torch.testing.assert_close(torch.tensor(found.alphas), torch.tensor(own).mean(0))
    assert Architecture.load(tmp_path / "architecture.json") == found.architecture
    again = search(twelve, settings, tmp_path)
    assert again == found and again.finished_before


def test_each_budget_has_an_architecture_that_meets_it(twelve, by_trials, deeper_is_better):
    """All by the supernet that was trained without one; architecture.json has the largest."""
    settings = replace(by_trials, budgets=(1.72e6, 1.85e6, 2.1e6))
    found = search(twelve, settings, deeper_is_better)
    spent = []
    for budget, name in zip(found.front, ("1.72M", "1.85M", "2.1M"), strict=True):
        architecture = Architecture.load(deeper_is_better / f"architecture-{name}.json")
        assert architecture == found.front[budget].architecture
        spent.append(macs(architecture, settings))
        assert spent[-1] <= budget
    assert spent == sorted(set(spent))
    assert found.architecture == found.front[2.1e6].architecture == Architecture.load(deeper_is_better / "architecture.json")


@pytest.mark.long
def test_a_budget_of_multiply_adds_is_met_by_the_network(twelve, by_trials, deeper_is_better, tmp_path, stop_after):
    """It takes part in the training of the alphas, and a stopped search goes on with its price."""
    settings = replace(by_trials, budget_macs=1.8e6)
    found = search(twelve, settings, tmp_path / "whole")
    assert 1.61e6 < macs(found.architecture, settings) <= 1.8e6
    assert macs(search(twelve, by_trials, deeper_is_better).architecture, settings) > 1.8e6
    assert any("meets the budget of 1.8M multiply-adds" in finding for finding in found.findings)
    price = load_checkpoint(tmp_path / "whole/search.checkpoint.safetensors").tensors["budget.price"]
    assert price > 0
    with pytest.raises(KeyboardInterrupt), stop_after("search", 3):
        search(twelve, settings, tmp_path / "stopped")
    search(twelve, settings, tmp_path / "stopped")
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "whole")


def test_a_budget_that_no_network_meets_is_named(twelve, by_trials, decided, tmp_path):
    shutil.copytree(decided[0], tmp_path, dirs_exist_ok=True)
    found = search(twelve, replace(by_trials, budgets=(1e6,)), tmp_path)
    assert any("misses the budget of 1M multiply-adds by" in finding for finding in found.findings)


@pytest.mark.long
def test_what_milliseconds_count_on_is_part_of_the_result(twelve, search_settings, tmp_path, monkeypatch):
    """The network that was found is timed on it, the files say so, and a search on another is another."""

    def times(networks, threads, seconds):
        sizes = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
        return torch.tensor(sizes, dtype=torch.float64) / 1e5

    def timing_on(runtime):
        return Timing(f"fake {runtime}", {"fake": runtime}, times, networks_per_term=1)

    for module in (twins_module, conclusion):
        monkeypatch.setattr(module, "timing_on", timing_on)
    settings = replace(search_settings, trials=20, budget_ms=100.0, on="onnx")
    found = search(twelve, settings, tmp_path)
    network = MSINet(found.architecture, 1, channels_at(settings.width), settings.image_size)
    spent = times([network], 1, 0).item()
    assert found.findings[-1] == f"With {spent:.3g} ms by fake onnx it meets the budget of 100 ms."
    written = json.loads((tmp_path / "architecture.json").read_text())
    assert written["made_from"]["on"] == "onnx"
    assert written["findings"] == list(found.findings)
    with pytest.raises(CheckpointError, match="on: onnx -> torch"):
        search(twelve, replace(settings, on="torch"), tmp_path)


def test_without_identities_that_can_be_scored_the_alphas_decide(twelve, by_trials, tmp_path):
    """The result says so; a budget, which needs trials, is refused before anything is trained."""
    single = tuple({record.identity: record for record in twelve.train}.values())
    settings = replace(by_trials, identities_per_batch=2, images_per_identity=2)
    found = search(replace(twelve, train=single), settings, tmp_path / "alphas")
    assert "There were no trials" in found.doubts[0]
    assert not found.findings
    with pytest.raises(DatasetError, match="a budget needs trials"):
        search(replace(twelve, train=single), replace(settings, budget_macs=1e6), tmp_path / "budget")
    assert not (tmp_path / "budget/search.jsonl").exists()


@pytest.mark.parametrize("budget", [{"budget_macs": 1e8}, {"budget_ms": 5.0}, {"budgets": (1e8,)}], ids=str)
def test_a_budget_without_trials_is_refused_when_the_search_begins(make_splits, search_settings, tmp_path, budget):
    """Not before: a recipe may bring the trials."""
    settings = replace(search_settings, **budget)
    with pytest.raises(
        SettingsError, match=f"{next(iter(budget))} is .*: it needs trials, 8 with trial_weights own, or 150"
    ):
        search(make_splits(train=12), settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()
