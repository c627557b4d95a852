"""One-shot scores: those of the network itself with the supernet's weights."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from msinet.architecture_search.one_shot import OneShotScores
from msinet.batches.loading import RecordImages, embedding_batches
from msinet.data.embeddings import Embeddings
from msinet.engine.machine import Machine
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.scoring import evaluate_embeddings
from msinet.model.batch_statistics import take_statistics
from msinet.model.layers import pool
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import SCALES
from msinet.model.msinet.supernet import Supernet
from msinet.model.msinet.widths import channels_at

NARROW = channels_at(0.25)
ARCHITECTURES = ["scales:0", "scales:1", "all:none:1,0", "veri776"]


@pytest.fixture(scope="module")
def machine(search_settings):
    return Machine(search_settings.machine)


@pytest.fixture(scope="module")
def supernet():
    torch.manual_seed(0)
    supernet = Supernet(NARROW, SCALES)
    for parameter in supernet.weight_parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)  # gamma and biases start at 0
    return supernet


@pytest.fixture(scope="module")
def records(make_splits):
    return make_splits(train=12).train


@pytest.fixture(scope="module")
def scores(supernet, records, machine):
    """Statistics from the images of the first four identities, scores on the other eight."""
    learnt, scored = records[:16], records[16:]
    for_statistics, batches = (embedding_batches(RecordImages(part, (32, 32)), 8) for part in (learnt, scored))
    return OneShotScores(supernet, for_statistics, batches, scored, machine)


def backbone_of(architecture: Architecture, supernet: Supernet) -> nn.Module:
    """Return the backbone of the network alone, with the supernet's weights."""
    network, weights = MSINet(architecture, 5, NARROW), supernet.backbone.state_dict()
    cells, chosen = architecture.cells, {}
    for name in network.backbone.state_dict():
        parts = name.split(".")
        if "interactions" in parts:
            _, stage, _, cell, _, i, *inside = parts
            interaction = cells[int(stage)][int(cell)][int(i)].interaction
            chosen[name] = weights[".".join([*parts[:6], interaction, *inside])]
        else:
            chosen[name] = weights[name]
    network.backbone.load_state_dict(chosen)
    return network.backbone


def slow_score(architecture: Architecture, scores: OneShotScores) -> float:
    """Statistics, embeddings and mAP of the network alone."""
    backbone = backbone_of(architecture, scores.supernet)
    take_statistics(backbone, lambda batch: backbone(batch.images), scores.for_statistics)
    backbone.eval()
    with torch.no_grad():
        features = torch.cat([pool(backbone(batch.images).last) for batch in scores.batches])
    embeddings = Embeddings(nn.functional.normalize(features).numpy(), scores.records)
    return evaluate_embeddings(embeddings, embeddings).mAP


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_score_is_that_of_the_network_alone(scores, name):
    architecture = Architecture.find(name)
    assert scores.score(architecture.cells) == pytest.approx(slow_score(architecture, scores), abs=1e-6)


def test_embeddings_have_unit_length(scores):
    vectors = scores.embed(Architecture.find("scales:0").cells)
    assert vectors.shape == (32, 128)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(32))


def test_no_network_leaves_anything_behind_for_the_next(scores):
    networks = [Architecture.find(name).cells for name in ARCHITECTURES]
    found = [scores.score(cells) for cells in networks]
    assert [scores.score(cells) for cells in reversed(networks)] == found[::-1]
    assert len(set(found)) > 1


def test_a_process_without_a_share_has_no_embeddings(supernet, scores, machine):
    alone = OneShotScores(supernet, scores.for_statistics, [], scores.records, machine)
    assert alone.embed(SCALES.random(0)).shape == (0, 128)


def test_images_of_one_camera_are_scored(supernet, scores, machine):
    one = [replace(record, camera="c0") for record in scores.records]
    alone = OneShotScores(supernet, scores.for_statistics, scores.batches, one, machine)
    assert 0 < alone.score(SCALES.random(0)) <= 1


def test_images_without_a_match_are_refused(supernet, scores, machine):
    with pytest.raises(DatasetError):
        OneShotScores(supernet, scores.for_statistics, scores.batches, scores.records[::4], machine)


def test_networks_outside_the_space_are_refused(scores):
    with pytest.raises(SettingsError, match="not in the search space"):
        scores.score(Architecture.uniform("none", depths=(3, 4)).cells)
