from dataclasses import replace

import numpy as np
import pytest
import torch

from msinet.architecture_search.search import search
from msinet.batches.loading import RecordImages, embedding_batches
from msinet.data.embeddings import Embeddings
from msinet.data.identity_splits import hold_out_validation
from msinet.engine.checkpoint import load_checkpoint
from msinet.engine.machine import Machine
from msinet.errors import CheckpointError, DatasetError, SettingsError
from msinet.evaluation.scoring import evaluate_embeddings
from msinet.experiments.supernet_score import supernet_scores
from msinet.experiments.variants import SharedMemory
from msinet.model.batch_statistics import take_statistics
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import PUBLISHED
from msinet.model.msinet.supernet import Supernet
from msinet.model.msinet.widths import channels_at

ARCHITECTURES = [
    Architecture.from_interactions(names, 1)
    for names in (["none"] * 6, ["exchange"] * 6, ["channel_gate", "exchange", "none"] * 2)
]


@pytest.fixture(scope="module")
def splits(make_splits):
    return make_splits(train=16)


@pytest.fixture(scope="module")
def folder(splits, search_settings, tmp_path_factory):
    out = tmp_path_factory.mktemp("search")
    search(splits, replace(search_settings, validation_share=0.3), out)
    return out


@pytest.fixture(scope="module")
def machine(search_settings):
    return Machine(search_settings.machine)


def slow_score(folder, held_out, architecture: Architecture, width: float) -> float:
    """Statistics of the training images in batches, embeddings of the pooled feature, scored as any others."""
    supernet = Supernet(channels_at(width), replace(PUBLISHED, cells_per_stage=1))
    tensors = load_checkpoint(folder / "search.checkpoint.safetensors").tensors
    supernet.load_state_dict({n.removeprefix("supernet."): t for n, t in tensors.items() if n.startswith("supernet.")})
    weights = supernet.shares_of(architecture)
    order = np.random.default_rng(0).permutation(len(held_out.train)).tolist()
    batches = embedding_batches(RecordImages(held_out.train, (32, 32)), 8, order=order[: len(order) // 8 * 8])
    take_statistics(supernet, lambda batch: supernet(batch.images, weights), batches)
    images = next(iter(embedding_batches(RecordImages(held_out.validation, (32, 32))))).images
    with torch.no_grad():
        vectors = torch.nn.functional.normalize(supernet.eval()(images, weights)).numpy()
    embeddings = Embeddings(vectors, held_out.validation)
    return evaluate_embeddings(embeddings, embeddings).mAP


def test_scores_are_those_of_the_supernet_made_that_network(splits, folder, search_settings, machine):
    held_out, width = hold_out_validation(splits, 0.3), search_settings.width
    expected = [slow_score(folder, held_out, architecture, width) for architecture in ARCHITECTURES]
    found = supernet_scores(folder, splits, ARCHITECTURES, machine)
    assert found == pytest.approx(expected, abs=1e-6)
    assert len(set(found)) == 3


def test_no_architecture_leaves_anything_behind_for_the_next(splits, folder, machine):
    scores = supernet_scores(folder, splits, ARCHITECTURES, machine)
    assert supernet_scores(folder, splits, ARCHITECTURES[::-1], machine) == scores[::-1]


def test_without_identities_held_out_there_is_nothing_to_score_on(splits, search_settings, tmp_path, machine):
    search(splits, search_settings, tmp_path)
    with pytest.raises(DatasetError, match="validation_share"):
        supernet_scores(tmp_path, splits, ARCHITECTURES, machine)


def test_other_data_are_named(make_splits, folder, machine):
    with pytest.raises(CheckpointError, match="is a search on other data"):
        supernet_scores(folder, make_splits(train=15), ARCHITECTURES, machine)


def test_an_unfinished_search_is_named(splits, tmp_path, machine):
    with pytest.raises(CheckpointError, match="no finished search"):
        supernet_scores(tmp_path, splits, ARCHITECTURES, machine)


def test_architectures_with_other_places_are_named(splits, folder, machine):
    with pytest.raises(SettingsError, match="does not fit"):
        supernet_scores(folder, splits, [Architecture.random(0)], machine)


def test_the_supernet_of_a_variant_is_scored_too(splits, search_settings, machine, tmp_path):
    search(splits, replace(search_settings, validation_share=0.3), tmp_path, method=SharedMemory)
    [score] = supernet_scores(tmp_path, splits, ARCHITECTURES[:1], machine)
    assert 0 < score <= 1
