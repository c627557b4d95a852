"""Embeddings of a dataset are written as the file's name says, and scored as the network is."""

from pathlib import Path

import numpy as np
import pytest
from tests.onnx_file import write_mean_colour

from msinet.data.embedding_files import load_embeddings, load_vectors
from msinet.data.records import ImageRecord, ReidSplits
from msinet.deploy.predictor import Predictor
from msinet.engine.evaluate import evaluate
from msinet.errors import DatasetError, SettingsError
from msinet.jobs.embed_shard import embed_shard
from msinet.jobs.score import score_embeddings
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at


@pytest.fixture(scope="module")
def network() -> MSINet:
    return MSINet(Architecture.random(7), 4, channels_at(0.25), (32, 32)).eval()


@pytest.mark.parametrize("suffix", [".npz", ".parquet", ".csv"])
def test_what_is_embedded_is_scored_as_the_network_is(network, make_splits, tmp_path, suffix):
    splits = make_splits()
    embed_shard(network, splits, tmp_path / f"e{suffix}")
    expected = evaluate(network, splits)
    _, labelled = load_embeddings(tmp_path / f"e{suffix}")
    assert (len(labelled.train), len(labelled.query)) == (len(splits.train), len(splits.query))
    for embeddings, data in (load_embeddings(tmp_path / f"e{suffix}"), (load_vectors(tmp_path / f"e{suffix}"), splits)):
        (result,) = score_embeddings(embeddings, [data])
        assert (result.mAP, list(result.scores.cmc)) == (expected.mAP, list(expected.scores.cmc))


@pytest.mark.parametrize("name", ["e", "e.npy", "e.txt"])
def test_another_suffix_is_refused_before_anything_is_embedded(make_splits, tmp_path, name):
    class Broken(MSINet):
        def embed(self, images):
            raise AssertionError("embedded")

    network = Broken(Architecture.random(7), 4, channels_at(0.25), (32, 32))
    with pytest.raises(SettingsError, match=r"choose a name that ends in \.npz, \.parquet, \.csv"):
        embed_shard(network, make_splits(), tmp_path / name)
    assert not list(tmp_path.glob("e*"))


def test_images_that_nobody_labelled_are_embedded(network, make_splits, tmp_path):
    known = make_splits().query[:2]
    new = [ImageRecord(record.path) for record in make_splits().gallery[2:5]]
    embed_shard(network, ReidSplits("new", query=(*known, *new), gallery=known), tmp_path / "e.npz")
    embeddings, _ = load_embeddings(tmp_path / "e.npz")
    assert sorted(record.identity for record in embeddings.records)[:3] == ["", "", ""]
    assert np.allclose(np.linalg.norm(embeddings.vectors, axis=1), 1, atol=1e-6)
    assert all(isinstance(record.path, Path) for record in embeddings.records)


def test_nothing_is_written_where_no_image_can_be_read(network, tmp_path):
    (tmp_path / "1.jpg").touch()
    with pytest.raises(DatasetError, match=r"none of 1 images can be read(.|\n)*empty"):
        embed_shard(network, ReidSplits("new", unlabelled=(ImageRecord(tmp_path / "1.jpg"),)), tmp_path / "e.npz")
    assert not (tmp_path / "e.npz").exists()


def test_a_predictor_leaves_out_what_it_cannot_read_unless_nothing_may_be_left_out(make_splits, tmp_path):
    predictor, known = Predictor(write_mean_colour(tmp_path / "colour.onnx")), make_splits().query
    (tmp_path / "1.jpg").touch()
    splits = ReidSplits("new", query=(*known, ImageRecord(tmp_path / "1.jpg")))
    count, skipped = embed_shard(predictor, splits, tmp_path / "e.npz")
    assert (count, [one.path.name for one in skipped]) == (len(known), ["1.jpg"])
    assert [record.path for record in load_vectors(tmp_path / "e.npz").records] == [record.path for record in known]
    with pytest.raises(DatasetError, match=r"cannot read the image .*1\.jpg"):
        embed_shard(predictor, splits, tmp_path / "all.npz", verify=False)
    assert not (tmp_path / "all.npz").exists()
