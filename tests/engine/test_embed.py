import numpy as np
import pytest

from msinet.data.batches import embedding_batches
from msinet.engine.embed import embed, evaluate, save_embeddings
from msinet.engine.settings import MachineSettings
from msinet.errors import DatasetError
from msinet.model.architecture import Architecture, channels_at
from msinet.model.msinet import MSINet


@pytest.fixture(scope="module")
def model():
    return MSINet(Architecture.named("veri776"), 3, channels_at(0.25), (32, 48)).eval()


def test_embeddings_are_one_image_at_a_time(model, make_splits):
    """Neither the batch nor the order of the records changes an embedding."""
    records = make_splits().gallery
    exact = MachineSettings(precision="fp32")
    together = embed(model, records, exact)
    for record, vector in zip(records[:3], together.vectors, strict=False):
        pixels = next(iter(embedding_batches([record], (32, 48)))).images
        np.testing.assert_allclose(model(pixels).embedding.detach().numpy()[0], vector, atol=1e-5)
    backwards = embed(model, records[::-1], exact)
    np.testing.assert_allclose(backwards.vectors[::-1], together.vectors, atol=1e-5)


def test_embeddings_have_unit_length(model, make_splits):
    lengths = np.linalg.norm(embed(model, make_splits().gallery).vectors, axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)


def test_no_records_give_no_embeddings(model):
    assert embed(model, []).vectors.shape == (0, model.embedding_dim)


def test_result_says_what_was_scored_and_with_what(model, make_splits):
    splits = make_splits()
    info = evaluate(model, splits, camera_pairs=True).info
    assert info["data"]["fingerprint"] == splits.fingerprint()
    assert info["model"]["architecture"] == model.architecture.to_dict()
    assert [(pair["query_camera"], pair["gallery_camera"]) for pair in info["camera_pairs"]] == [("c0", "c1"), ("c1", "c0")]


def test_precisions_can_follow_each_other_in_one_process(model, make_splits):
    records = make_splits(train=2, test=1).gallery
    vectors = [embed(model, records, MachineSettings(precision=precision)).vectors for precision in ("bf16", "fp32")]
    assert 0 < np.abs(vectors[0] - vectors[1]).max() < 0.05


def test_nothing_to_score_is_an_error(model, make_splits):
    with pytest.raises(DatasetError, match="nothing to score"):
        evaluate(model, make_splits(test=0))


def test_saved_embeddings_load_without_pickles(model, make_splits, tmp_path):
    embeddings = embed(model, make_splits().gallery)
    save_embeddings(embeddings, tmp_path / "e.npz")
    with np.load(tmp_path / "e.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["vectors"], embeddings.vectors)
        assert file["identity"].tolist() == [record.identity for record in embeddings.records]
