"""Networks on disk: `model.safetensors` holds the weights, `model.json` the card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from msinet.errors import FileError, ModelError, SettingsError, listed
from msinet.files.contents import is_safetensors, not_usable
from msinet.files.paths import user_path
from msinet.files.tensor_files import load_arrays, save_arrays
from msinet.model.cards import CARD, WEIGHTS, Card, Pixels
from msinet.model.linear_map import LinearMap
from msinet.model.network import Network
from msinet.model.networks import NETWORKS
from msinet.model.zoo import find_model

COPY_BOTH = "copy model.json and model.safetensors together from the folder that msinet train wrote"


def card_of(network: Network, info: Mapping[str, Any] | None = None, licence: str = "") -> Card:
    """Return the card of a network; `info` says how it was made."""
    return Card(
        network.kind,
        network.arguments(),
        Pixels(network.image_size),
        network.fingerprint(),
        licence,
        adapted=network.adaptation is not None,
        info=dict(info or {}),
        learned=network.learned,
    )


def save_model(
    network: Network, folder: str | Path, info: Mapping[str, Any] | None = None, licence: str = "", half: bool = False
) -> None:
    """Write a network to a folder; `info` and `licence` stand in its card.

    Args:
        network: any network.
        folder: created if needed.
        info: how the network was made.
        licence: of the weights.
        half: write half precision. The network is rounded to it, so that file and network stay the same.
    """
    if half:
        network.half().float()
    folder, card = user_path(folder), card_of(network, info, licence)
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    if half:
        arrays = {name: array.astype(np.float16) if array.dtype == np.float32 else array for name, array in arrays.items()}
    save_arrays(folder / WEIGHTS, arrays, {"kind": card.kind, "arguments": card.arguments})
    card.save(folder)


def load_model(folder: str | Path) -> Network:
    """Read a network that `save_model` wrote or that ships, ready to embed. `Predictor` reads those that were exported.

    Args:
        folder: the folder, or the name of a model that ships (`zoo.names`).

    Raises:
        ModelError: a file is missing or damaged, the two do not belong together, or it was exported.
        MissingExtraError: the network needs a package that is not installed.
    """
    folder = find_model(folder)
    card = Card.load(folder)
    if card.kind not in NETWORKS:
        raise ModelError(
            f"{folder / CARD} is of a network {card.kind!r}: this version knows {', '.join(NETWORKS)}; install the one that "
            "wrote it"
        )
    try:
        network = NETWORKS[card.kind].from_arguments(dict(card.arguments))
        if card.adapted:
            network.adaptation = LinearMap(network.embedding_dim)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError, SettingsError) as error:
        raise ModelError(f"{folder / CARD} does not describe a network: {error!r}; {COPY_BOTH}") from error
    weights = folder / WEIGHTS
    try:
        arrays, _ = load_arrays(weights)
    except FileError as error:
        foreign = weights.is_file() and not is_safetensors(weights)
        raise ModelError(f"cannot read {not_usable(weights, COPY_BOTH)}" if foreign else str(error)) from error
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    full = {name: tensor.float() if tensor.dtype == torch.float16 else tensor for name, tensor in tensors.items()}
    place_tensors(network, full, weights, COPY_BOTH)
    network.learned, network.origin = card.learned, card
    return network.eval()


def place_tensors(network: Network, tensors: Mapping[str, Tensor], source: Path, advice: str) -> None:
    """Give a network its tensors; every one must be there, and of the right shape. `advice` says what to do if not.

    Raises:
        ModelError: lists tensors that are missing, unknown or misshapen.
    """
    wanted = network.state_dict()
    faults = [f"missing {name}" for name in wanted.keys() - tensors.keys()]
    faults += [f"unknown {name}" for name in tensors.keys() - wanted.keys()]
    faults += [
        f"{name} is {tuple(tensors[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted.keys() & tensors.keys()
        if tensors[name].shape != wanted[name].shape
    ]
    if faults:
        raise ModelError(f"{source} does not fit the network in {len(faults)} tensors, {advice}:{listed(sorted(faults))}")
    network.load_state_dict(dict(tensors))
