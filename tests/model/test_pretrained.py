import builtins

import pytest
import torch

import msinet
from msinet.errors import MissingExtraError, ModelError
from msinet.model import zoo
from msinet.model.cards import Card
from msinet.model.model_files import load_model, save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at


@pytest.fixture
def network():
    torch.manual_seed(0)
    return MSINet(Architecture.named("msmt17"), 1, channels_at(0.25), (32, 32)).eval()


def test_a_saved_network_comes_back(network, tmp_path):
    network.save_pretrained(tmp_path, {"lineage": "made of nothing"}, "Apache-2.0")
    again = MSINet.from_pretrained(tmp_path)
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(again.embed(images), network.embed(images))


def test_the_model_card_begins_with_what_the_hub_reads_and_the_lineage(network, tmp_path):
    network.save_pretrained(tmp_path, {"lineage": "made of nothing"}, "Apache-2.0")
    _, front, text = (tmp_path / "README.md").read_text().split("---\n", 2)
    assert "license: apache-2.0" in front.splitlines()
    assert text.strip().splitlines()[0] == "made of nothing."
    assert "32x32" in text


def test_what_a_card_says_of_the_weights_goes_with_them(network, tmp_path):
    """Changed weights name those that they were made from."""
    network.save_pretrained(tmp_path / "first", {"lineage": "made of nothing", "parameters": 5}, "Apache-2.0")
    again = MSINet.from_pretrained(tmp_path / "first")
    again.save_pretrained(tmp_path / "same")
    same, first = (Card.load(tmp_path / name) for name in ("same", "first"))
    assert (same.info, same.licence) == (first.info, "Apache-2.0")
    with torch.no_grad():
        next(again.parameters()).add_(1)
    again.save_pretrained(tmp_path / "changed")
    again.save_pretrained(tmp_path / "told", {"lineage": "mine"}, "MIT")
    changed, told = (Card.load(tmp_path / name) for name in ("changed", "told"))
    assert changed.info["lineage"] == f"made from the weights {first.fingerprint}: made of nothing"
    assert (changed.licence, changed.info["origin"]) == ("Apache-2.0", first.info)
    assert (told.info, told.licence) == ({"lineage": "mine"}, "MIT")


def test_a_model_that_ships_is_found_by_its_name(network, tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, "ZOO", tmp_path)
    save_model(network, tmp_path / "msinet-things")
    assert zoo.names() == ["msinet-things"]
    images = torch.randn(2, 3, 32, 32)
    for again in (MSINet.from_pretrained("msinet-things"), load_model("msinet-things")):
        assert torch.equal(again.embed(images), network.embed(images))


def test_a_folder_of_the_same_name_is_the_users(network, tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, "ZOO", tmp_path / "zoo")
    save_model(network, tmp_path / "zoo" / "msinet-things")
    (tmp_path / "work" / "msinet-things").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    with pytest.raises(ModelError, match=r"it holds no model\.json"):
        load_model("msinet-things")


def test_a_name_that_is_none_says_which_there_are(network, tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, "ZOO", tmp_path)
    save_model(network, tmp_path / "msinet-things")
    with pytest.raises(ModelError, match=r"no model of this name ships \(msinet-things\)"):
        MSINet.from_pretrained("msinet-thing")


def test_a_model_of_the_hub_is_not_downloaded_unless_asked_for(monkeypatch, tmp_path):
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is missing: pip install msinet[hub]")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="local_files_only=False"):
        MSINet.from_pretrained("somebody/something")


def test_a_model_of_the_hub_needs_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "huggingface_hub":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"msinet\[hub\]"):
        MSINet.from_pretrained("somebody/something")


def test_half_precision_rounds_the_network_and_the_file_alike(network, tmp_path):
    save_model(network, tmp_path / "full")
    save_model(network, tmp_path / "half", half=True)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "full")]
    assert sizes[0] < 0.6 * sizes[1]
    again = load_model(tmp_path / "half")
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in network.state_dict().items())


def test_from_pretrained_is_public():
    assert msinet.MSINet.from_pretrained.__self__ is MSINet
