import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from msinet.data.embedding_files import save_embeddings
from msinet.data.embeddings import Embeddings
from msinet.errors import CheckpointError, DatasetError
from msinet.losses.distillation import direction_loss, relation_loss
from msinet.model.model_files import load_model
from msinet.model.msinet.architecture import Architecture
from msinet.training.teachers import Teachers, load_teachers
from msinet.training.train import train

MSMT17 = Architecture.named("msmt17")


@pytest.fixture(scope="module")
def splits(make_splits):
    return make_splits(train=6)


def teach(records, file, dim=5, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((len(records), dim))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    save_embeddings(Embeddings(unit, records), file)
    return file


def test_vectors_are_found_by_path_and_stand_side_by_side(splits, tmp_path):
    records = splits.train
    files = [teach(records[::-1], tmp_path / "a.npz"), teach(records, tmp_path / "b.npz", dim=3, seed=1)]
    found = load_teachers(files, records)
    assert found.shape == (len(records), 8)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    alone = load_teachers(files[:1], records[::-1])
    np.testing.assert_allclose(found[::-1, :5] * np.sqrt(2), alone, rtol=1e-6)


def test_an_image_without_a_vector_is_an_error_before_the_training(splits, train_settings, tmp_path):
    settings = replace(train_settings, teachers=(teach(splits.train[1:], tmp_path / "a.npz"),))
    with pytest.raises(DatasetError, match="1 images of the training split have no embedding"):
        train(splits, MSMT17, settings, tmp_path / "out")
    assert not (tmp_path / "out" / "model.json").exists()


def test_the_loss_is_of_direction_and_relations(normal_vectors):
    own, vectors = normal_vectors
    teachers = Teachers(vectors.numpy(), own.shape[1])
    positions = torch.tensor([4, 0, 2])
    expected = direction_loss(teachers.projection(own), vectors[positions]) + relation_loss(own, vectors[positions])
    torch.testing.assert_close(teachers(own, positions), expected)


@pytest.fixture
def normal_vectors():
    random = torch.Generator().manual_seed(1)
    return torch.randn(3, 4, generator=random), torch.randn(6, 2, generator=random)


def test_embeddings_follow_the_teacher_and_the_model_costs_nothing_more(splits, train_settings, tmp_path):
    settings = replace(train_settings, epochs=12, teachers=(teach(splits.train, tmp_path / "a.npz"),), teacher_weight=10.0)
    train(splits, MSMT17, settings, tmp_path / "out")
    losses = [json.loads(line)["teachers"] for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.8 * losses[0]
    assert not any("teachers" in name for name in load_model(tmp_path / "out").state_dict())


def test_other_vectors_are_another_run(splits, train_settings, tmp_path):
    one, other = teach(splits.train, tmp_path / "a.npz"), teach(splits.train, tmp_path / "b.npz", seed=1)
    train(splits, MSMT17, replace(train_settings, teachers=(one,)), tmp_path / "out")
    with pytest.raises(CheckpointError, match="teachers: "):
        train(splits, MSMT17, replace(train_settings, teachers=(other,)), tmp_path / "out")


def test_a_stopped_training_with_teachers_resumes_exactly(splits, train_settings, tmp_path, stop_after):
    settings = replace(train_settings, teachers=(teach(splits.train, tmp_path / "a.npz"),))
    whole = train(splits, MSMT17, settings, tmp_path / "whole").network.state_dict()
    with pytest.raises(KeyboardInterrupt), stop_after("train", 3):
        train(splits, MSMT17, settings, tmp_path / "parts")
    again = train(splits, MSMT17, settings, tmp_path / "parts").network.state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in whole.items())
