import errno
import json
import os

import numpy as np
import pytest
import torch

from msinet.errors import FileError, ModelError
from msinet.files.content_hash import content_hash
from msinet.files.sketch import Sketch
from msinet.files.tensor_files import save_arrays
from msinet.model.model_files import load_model, save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at


@pytest.fixture
def network():
    network = MSINet(Architecture.named("msmt17"), 5, channels_at(0.25), (64, 32))
    network(torch.randn(4, 3, 32, 32))  # moves the running means of the batch norms
    return network.eval()


@pytest.fixture
def folder(network, tmp_path):
    save_model(network, tmp_path / "run", {"made_from": "a test"})
    return tmp_path / "run"


def rewrite(folder, **changes):
    """Change arguments of the network in model.json."""
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | {"arguments": card["arguments"] | changes}))


@torch.no_grad()
def test_a_network_comes_back_bit_by_bit(network, folder):
    again, tensors = load_model(folder), network.state_dict()
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in again.state_dict().items())
    images = torch.randn(2, 3, 64, 32)
    assert torch.equal(again(images).embedding, network(images).embedding)


def test_what_makes_the_network_comes_back(network, folder):
    again = load_model(folder)
    for name in ("architecture", "identities", "channels", "image_size"):
        assert getattr(again, name) == getattr(network, name)


def test_a_network_comes_back_ready_to_embed(folder):
    assert not load_model(folder).training


def test_channels_last_in_memory_changes_nothing(network, folder, tmp_path):
    save_model(network.to(memory_format=torch.channels_last), tmp_path / "last")  # pyright: ignore
    assert (tmp_path / "last" / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


def test_information_stands_beside_the_description(folder):
    assert json.loads((folder / "model.json").read_text())["info"] == {"made_from": "a test"}


def test_nothing_unfinished_is_left(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]


def test_a_folder_without_a_model_says_which_folder_to_pass(tmp_path):
    with pytest.raises(ModelError, match=r"no model in .*pass the folder that msinet train wrote"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder, "there is no such folder"),
        (lambda folder: folder.write_bytes(b"\xff\xd8\xff\xe0"), "is a JPEG image: pass the folder that msinet train wrote"),
        (lambda folder: torch.save({}, folder), "is a checkpoint of PyTorch: .* or make a model .* by msinet convert"),
        (lambda folder: folder.write_bytes(b""), "is an empty file"),
    ],
    ids=["nothing", "a photo", "a checkpoint of others", "an empty file"],
)
def test_what_is_no_folder_says_what_it_is(tmp_path, make, words):
    make(tmp_path / "passed")
    with pytest.raises(ModelError, match=words):
        load_model(tmp_path / "passed")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sub/model.json", r"did you mean .*sub\?"),
        ("train.checkpoint.safetensors", "its training has not ended; give the command of the training again"),
        ("architecture.json", r"only an architecture: train it by msinet train --architecture .*architecture\.json"),
        ("best.pth", r"make one by msinet convert .*best\.pth"),
    ],
)
def test_a_folder_without_a_model_says_what_was_probably_meant(tmp_path, name, words):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(ModelError, match=words):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_file_of_a_model_names_its_folder(folder, name):
    with pytest.raises(ModelError, match=rf"is one file of a model: pass its folder, {folder}$"):
        load_model(folder / name)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_pointer_of_git_lfs_is_not_the_file(folder, name):
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n")
    with pytest.raises(ModelError, match="git lfs pull"):
        load_model(folder)


def test_missing_weights_are_named(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"cannot read .*model\.safetensors"):
        load_model(folder)


@pytest.mark.parametrize("kept", [0, 4, 100, 20_000], ids="{} bytes".format)
def test_truncated_weights_are_named(folder, kept):
    os.truncate(folder / "model.safetensors", kept)
    with pytest.raises(ModelError, match=r"cannot read .*model\.safetensors"):
        load_model(folder)


def test_weights_that_msinet_did_not_write_point_to_convert(folder):
    from safetensors.torch import save_file

    save_file({"conv1.conv.weight": torch.zeros(3)}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="not written by msinet: msinet convert reads published checkpoints"):
        load_model(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", "{}", '{"architecture": {"stages": []}}'])
def test_a_description_of_nothing_is_named(folder, text):
    (folder / "model.json").write_text(text)
    with pytest.raises(ModelError, match=r"model\.json does not describe a network"):
        load_model(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"identities": "five"},
        {"identities": -1},
        {"identities": None},
        {"channels": []},
        {"channels": [16, 64, 96, 128, 160]},
        {"channels": [16, 64, 96, -128]},
        {"channels": "wide"},
        {"image_size": 64},
        {"architecture": {"stages": [[["none"]], [["gate"]]]}},
    ],
    ids=str,
)
def test_a_description_that_no_network_fits_is_named(folder, changes):
    rewrite(folder, **changes)
    with pytest.raises(ModelError, match=r"model\.json does not describe a network"):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"identities": 6}, r"whole_head\.classifier\.weight is \(5, 128\), not \(6, 128\)"),
        ({"architecture": Architecture.uniform("none").to_dict()}, r"unknown .*interactions\.0\.squeeze\.weight"),
        ({"architecture": Architecture.uniform("channel_gate").to_dict()}, r"missing .*interactions\.0\.squeeze"),
    ],
    ids=["identities", "fewer tensors", "more tensors"],
)
def test_a_description_of_another_network_lists_what_does_not_fit(folder, changes, fault):
    rewrite(folder, **changes)
    with pytest.raises(ModelError, match=r"(?s)does not fit the network.*" + fault):
        load_model(folder)


def test_a_folder_that_cannot_be_written_is_named(network, tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(FileError, match=r"cannot write .*taken.*write elsewhere"):
        save_model(network, tmp_path / "taken")


def test_one_changed_byte_is_found(folder):
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="checksum"):
        load_model(folder)


def test_an_unfinished_file_does_not_replace_a_whole_one(folder, monkeypatch):
    whole = (folder / "model.safetensors").read_bytes()

    def breaks_off(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", breaks_off)
    with pytest.raises(FileError, match="the disk is full: free some space"):
        save_arrays(folder / "model.safetensors", {"a": np.zeros(3)}, {})
    assert (folder / "model.safetensors").read_bytes() == whole
    test_nothing_unfinished_is_left(folder)


def test_the_images_that_a_network_learned_stand_in_its_card(network, folder, tmp_path):
    assert load_model(folder).learned is None
    network.learned = Sketch.of([content_hash(b"one"), content_hash(b"two")])
    save_model(network, tmp_path / "learned")
    assert load_model(tmp_path / "learned").learned == network.learned
    written = json.loads((tmp_path / "learned" / "model.json").read_text())["learned"]
    assert written == {"images": 2, "hashes": sorted(content_hash(one)[:8].hex() for one in (b"one", b"two"))}


def test_a_card_with_damaged_hashes_is_refused(folder):
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | {"learned": {"images": 3, "hashes": []}}))
    with pytest.raises(ModelError, match="no sketch of images"):
        load_model(folder)
