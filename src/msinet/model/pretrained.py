"""Trained networks in the conventions of the Hugging Face Hub: by name, by folder, by OWNER/NAME, with a model card."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msinet.errors import MissingExtraError, ModelError
from msinet.files.atomic import write_atomically
from msinet.files.paths import user_path
from msinet.model.cards import CARD, WEIGHTS, Card
from msinet.model.model_files import load_model, save_model
from msinet.model.network import Network
from msinet.model.zoo import find_model

README = "README.md"

NO_LINEAGE = "No lineage is given."


def load_pretrained(name: str | Path, local_files_only: bool = True) -> Network:
    """Return a trained network. Arguments and errors as `Network.from_pretrained`."""
    folder = find_model(name)
    if folder.exists() or not re.fullmatch(r"[\w.-]+/[\w.-]+", str(name)):
        return load_model(name)
    return load_model(_fetch(str(name), local_files_only))


def _fetch(name: str, local_files_only: bool) -> Path:
    """Return the folder of a model of the Hub, in its cache."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise MissingExtraError("huggingface_hub", "hub") from error
    try:
        found = snapshot_download(name, allow_patterns=[CARD, WEIGHTS], local_files_only=local_files_only)
    except Exception as error:  # Of many kinds: no network, no such model, no access.
        advice = "pass local_files_only=False to download it" if local_files_only else "look at the name and the network"
        raise ModelError(f"there is no folder {name}, and no such model of the Hub ({error}): {advice}") from error
    return Path(found)


def save_pretrained(network: Network, folder: str | Path, info: Mapping[str, Any] | None = None, licence: str = "") -> None:
    """Write a network and its model card. Arguments as `Network.save_pretrained`."""
    folder, origin = user_path(folder), network.origin
    if origin:
        licence = licence or origin.licence
        info = _made_from(origin, network) if info is None else info
    save_model(network, folder, info, licence)
    write_atomically(folder / README, model_card(Card.load(folder)).encode())


def _made_from(origin: Card, network: Network) -> dict[str, Any]:
    """Return how a network was made that was read from files, and perhaps trained on or adapted since."""
    if origin.fingerprint == network.fingerprint():
        return dict(origin.info)
    lineage = origin.info.get("lineage", NO_LINEAGE)
    return {"lineage": f"made from the weights {origin.fingerprint}: {lineage}", "origin": dict(origin.info)}


def model_card(card: Card) -> str:
    """Return the README of a model: what the Hub reads, the lineage, what the network expects, how to use it."""
    height, width = card.pixels.size
    lineage = card.info.get("lineage", NO_LINEAGE)
    front = {"library_name": "msinet", "pipeline_tag": "image-feature-extraction", "tags": "[re-identification]"}
    if card.licence:
        front["license"] = card.licence.lower()
    lines = [
        "---",
        *(f"{key}: {value}" for key, value in front.items()),
        "---",
        "",
        lineage if lineage.endswith(".") else f"{lineage}.",
        "",
        f"A network `{card.kind}` for re-identification. Images are resized to {height}x{width} pixels (height x width). "
        f"Weights `{card.fingerprint}`{', adapted by a linear map of the embeddings' if card.adapted else ''}.",
        "",
        "```python",
        "import msinet",
        "",
        'network = msinet.load_model("this/folder")',
        'embeddings = msinet.embed(network, ["one.jpg", "other.jpg"]).vectors',
        "```",
        "",
    ]
    return "\n".join(lines)
