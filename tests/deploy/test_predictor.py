"""The predictor sees what the network of PyTorch sees, whatever it is given, and names what it cannot read."""

import io
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
from PIL import Image

import msinet
from msinet.batches.augmentation import resize
from msinet.data.embedder import AHEAD, BATCH_SIZE
from msinet.data.pixels import load_image, resized
from msinet.data.records import ImageRecord
from msinet.deploy import predictor as module
from msinet.deploy.export import export_to
from msinet.deploy.gate import shipped_images
from msinet.engine.machine import Machine
from msinet.engine.settings import MachineSettings
from msinet.errors import DatasetError, ModelError
from msinet.files.content_hash import content_hash
from msinet.files.sketch import Sketch
from msinet.model.model_files import card_of
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet

pytest.importorskip("onnxscript", reason='onnxscript is missing: pip install "msinet[export]"')


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return MSINet.build(1, (64, 48), 0.25, Architecture.find("all:none:1,1x1")).eval()


@pytest.fixture(scope="module")
def predictor(network, tmp_path_factory):
    file = tmp_path_factory.mktemp("predictor") / "net.onnx"
    export_to(network, card_of(network), file)
    return msinet.Predictor(file, threads=1)


def by_torch(network, paths) -> np.ndarray:
    return msinet.embed(network, paths, Machine(MachineSettings(device="cpu", precision="fp32"))).vectors


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    shipped_images()[3].save(path)
    return path


def test_paths_bytes_arrays_and_pillow_images_of_one_picture_have_one_vector(predictor, network, photo):
    image = Image.open(photo).convert("RGB")
    found = predictor.embed([photo, str(photo), photo.read_bytes(), np.asarray(image), image, Image.open(photo)])
    assert (found.vectors.shape, found.left_out, found.positions.tolist()) == (
        (6, network.embedding_dim),
        (),
        list(range(6)),
    )
    np.testing.assert_array_equal(found.vectors, found.vectors[:1].repeat(6, 0))
    np.testing.assert_allclose(found.vectors[0], by_torch(network, [photo])[0], atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)


def test_one_image_needs_no_list(predictor, photo):
    assert len(predictor.embed(photo)) == len(predictor.embed(np.asarray(Image.open(photo)))) == 1


def test_what_cannot_be_read_is_named_and_the_others_are_embedded(predictor, photo, tmp_path):
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    sources = [
        *(
            tmp_path / "none.png",
            photo,
            tmp_path / "cut.jpg",
            b"",
            b"text",
            np.zeros((4, 4, 3)),
            np.zeros((4, 4, 4), np.uint8),
        ),
        *(np.zeros((0, 4, 3), np.uint8), 7, photo.read_bytes()[:200], np.zeros((5, 5), np.uint8)),
    ]
    found = predictor.embed(sources)
    assert found.positions.tolist() == [1, 10]
    reasons = {left_out.position: (left_out.name, left_out.reason) for left_out in found.left_out}
    assert list(reasons) == [0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert reasons[0] == (str(tmp_path / "none.png"), "there is no such file")
    assert "damaged or cut off" in reasons[2][1]
    assert reasons[3] == ("bytes", "it is empty (0 bytes)")
    assert "not an image" in reasons[4][1]
    assert reasons[5] == ("an array", "its numbers are float64: give uint8, from 0 to 255")
    assert "(4, 4, 4): give (height, width, 3)" in reasons[6][1]
    assert "no pixels" in reasons[7][1]
    assert "type int" in reasons[8][1]


def test_nothing_but_broken_images_gives_no_vectors(predictor):
    found = predictor.embed([b"", b""])
    assert (found.vectors.shape, len(found.left_out)) == ((0, predictor.embedding_dim), 2)
    assert predictor.embed([]).vectors.shape == (0, predictor.embedding_dim)


def test_records_of_one_file_cost_one_pass_and_a_broken_file_is_an_error(predictor, photo, tmp_path):
    records = [ImageRecord(photo, "a"), ImageRecord(photo, "b")]
    np.testing.assert_array_equal(*predictor.embed_records(records).vectors)
    embeddings, skipped = predictor.embed_readable([*records, ImageRecord(tmp_path / "none.png")])
    assert ([record.identity for record in embeddings.records], len(skipped)) == (["a", "b"], 1)
    with pytest.raises(DatasetError, match=r"cannot read the image .*none\.png: there is no such file"):
        predictor.embed_records([ImageRecord(tmp_path / "none.png")])


def test_flipping_takes_the_mean_with_the_mirror_image(predictor, network, photo):
    flipped = msinet.embed(network, [photo], Machine(MachineSettings(device="cpu", precision="fp32")), flip=True).vectors
    np.testing.assert_allclose(msinet.embed(predictor, [photo], flip=True).vectors, flipped, atol=2e-3)


def test_boxes_of_a_frame_are_cut_clipped_and_named_where_they_are_empty(predictor):
    frame = np.asarray(shipped_images()[5].resize((120, 90)))
    boxes = [
        [10, 20, 60.4, 80.2],
        [-30, -5, 50, 40],
        [130, 10, 140, 20],
        [50, 50, 50, 60],
        [60, 60, 40, 70],
        [0, 0, np.nan, 9],
    ]
    found = predictor.embed(frame, boxes)
    np.testing.assert_array_equal(found.vectors[0], predictor.embed(frame[20:80, 10:60]).vectors[0])
    np.testing.assert_array_equal(found.vectors[1], predictor.embed(frame[:40, :50]).vectors[0])
    assert found.positions.tolist() == [0, 1]
    assert [left_out.position for left_out in found.left_out] == [2, 3, 4, 5]
    assert found.left_out[0].name == "box [130.0, 10.0, 140.0, 20.0]"
    assert "lies in the frame of 120 x 90" in found.left_out[0].reason
    assert "not finite" in found.left_out[3].reason
    assert len(predictor.embed(frame, np.empty((0, 4)))) == 0


def test_boxes_of_another_shape_and_of_several_frames_are_refused(predictor, photo):
    with pytest.raises(ValueError, match="give \\(N, 4\\)"):
        predictor.embed(photo, [[1, 2, 3]])
    with pytest.raises(ValueError, match="belong to one frame"):
        predictor.embed([photo], [[0, 0, 1, 1]])
    with pytest.raises(DatasetError, match="cannot read the frame"):
        predictor.embed(b"", [[0, 0, 1, 1]])


def test_a_file_without_a_last_map_says_so(predictor, photo):
    with pytest.raises(ModelError, match="export --last-map"):
        predictor.maps([photo])


def odd_images(count: int, rng: np.random.Generator):
    """Contents of image files as they come: tiny, huge, flat, tall, turned by EXIF, palettes, CMYK, 16 bits, transparent."""
    pool = shipped_images()
    for number in range(count):
        image = pool[rng.integers(len(pool))]
        width, height = (int(side) for side in np.exp(rng.uniform(0, np.log(700 if number % 25 else 3000), 2)).clip(1))
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        out, options = io.BytesIO(), {}
        match number % 8:
            case 0:
                image, kind = image.convert("CMYK"), "JPEG"
            case 1:
                exif = Image.Exif()
                exif[0x0112] = int(rng.integers(1, 9))
                kind, options = "JPEG", {"exif": exif}
            case 2:
                image, kind = image.quantize(int(rng.integers(2, 64))), "PNG"
            case 3:
                grey = np.asarray(image.convert("L"), np.uint16) * 257
                image, kind = Image.fromarray(grey), "PNG"
            case 4:
                image.putalpha(Image.linear_gradient("L").resize(image.size))
                kind = "PNG"
            case 5:
                kind, options = "WEBP", {"quality": int(rng.integers(5, 95))}
            case 6:
                image, kind = image.convert("1"), "TIFF"
            case _:
                kind, options = "JPEG", {"quality": int(rng.integers(5, 95))}
        image.save(out, kind, **options)
        yield f"{number}.{kind.lower()}", out.getvalue()


@pytest.mark.long
def test_a_thousand_odd_images_look_as_they_do_in_training(predictor, network, tmp_path):
    paths = []
    for name, content in odd_images(1000, np.random.default_rng(0)):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(content)
    for path in paths:
        image = load_image(path)
        ours, trainings = (pixels.astype(int) for pixels in (resized(image, (64, 48)), resize(image, (64, 48))))
        assert np.abs(ours - trainings).max() <= 1, path
    found = predictor.embed(paths)
    assert found.left_out == ()
    cosines = (found.vectors * by_torch(network, paths)).sum(1)
    assert cosines.min() >= 0.9999, paths[cosines.argmin()]


def test_images_wait_in_bounded_numbers(predictor, monkeypatch):
    """A generator of images is not drained ahead of the network."""
    drawn, most = 0, 0
    run = predictor.opened.run

    def endless():
        nonlocal drawn
        for _ in range(400):
            drawn += 1
            yield np.full((8, 8, 3), drawn % 255, np.uint8)

    def counted(images):
        nonlocal most
        counted.done = getattr(counted, "done", 0) + len(images)
        most = max(most, drawn - counted.done)
        return run(images)

    monkeypatch.setattr(predictor, "opened", module.Opened(predictor.opened.inputs, 1, counted, ""))
    assert len(predictor.embed(endless())) == 400
    assert most <= AHEAD + BATCH_SIZE


def test_batches_that_are_computed_at_the_same_time_come_in_order(network, tmp_path):
    pytest.importorskip("openvino", reason='openvino is missing: pip install "msinet[export]"')
    export_to(network, card_of(network), tmp_path / "net", "openvino")
    images = [*shipped_images()[: 3 * BATCH_SIZE], b"no image", *shipped_images()[:BATCH_SIZE]]
    one, several = (msinet.Predictor(tmp_path / "net", threads=2, streams=streams) for streams in (1, 2))
    expected, found = one.embed(images), several.embed(images)
    assert (one.at_once, several.at_once) == (1, 2)
    assert found.positions.tolist() == [*range(3 * BATCH_SIZE), *range(3 * BATCH_SIZE + 1, len(images))]
    assert found.left_out == expected.left_out
    np.testing.assert_allclose(found.vectors, expected.vectors, atol=1e-5)


def test_memory_does_not_grow_with_the_images(predictor):
    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            predictor.embed(np.zeros((300, 300, 3), np.uint8) for _ in range(count))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(50)
    vectors = 4 * predictor.embedding_dim * 600
    assert peak(800) - peak(200) < 3 * vectors + 1_000_000


def test_torch_is_not_loaded(predictor, photo):
    words = (
        f"import sys, msinet; p = msinet.Predictor({str(predictor.file.path)!r}); p.embed({str(photo)!r}); "
        "print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout == "False\n"


def test_an_export_says_which_images_the_network_learned(network, predictor, tmp_path, monkeypatch):
    assert predictor.learned is None
    monkeypatch.setattr(network, "learned", Sketch.of([content_hash(b"one"), content_hash(b"two")]))
    export_to(network, card_of(network), tmp_path / "learned.onnx")
    assert msinet.Predictor(tmp_path / "learned.onnx", threads=1).learned == network.learned
