"""A network on disk: `model.safetensors` holds the weights, `model.json` says what network they are of."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from msinet.errors import CheckpointError, SettingsError
from msinet.model.architecture import Architecture
from msinet.model.msinet import MSINet
from msinet.tensor_files import load_tensors, save_tensors
from msinet.whole_files import write_whole

WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"


def describe_model(model: MSINet) -> dict[str, Any]:
    """Return what makes a network: its architecture, identities, channels and image size."""
    return {
        "architecture": model.architecture.to_dict(),
        "identities": model.identities,
        "channels": list(model.channels),
        "image_size": list(model.image_size),
    }


def weights_fingerprint(model: MSINet) -> str:
    """Return a short hash of all weights, to tell networks apart in results."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_model(model: MSINet, folder: str | Path, info: Mapping[str, Any] | None = None) -> None:
    """Write a network to a folder; `info` stands in model.json for those who read it."""
    folder = Path(folder)
    description = describe_model(model)
    save_tensors(folder / WEIGHTS, model.state_dict(), description)
    text = json.dumps({**description, "info": dict(info or {})}, indent=2)
    write_whole(folder / DESCRIPTION, f"{text}\n".encode())


def load_model(folder: str | Path) -> MSINet:
    """Read a network that `save_model` wrote, ready to embed.

    Raises:
        CheckpointError: a file is missing or damaged, or the two do not belong together.
    """
    folder = Path(folder)
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        network = MSINet(
            Architecture.from_dict(description["architecture"]),
            description["identities"],
            description["channels"],
            tuple(description["image_size"]),
        )
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"no model in {folder}: {error}; pass the folder that msinet train wrote") from error
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError, SettingsError) as error:
        raise CheckpointError(f"{folder / DESCRIPTION} does not describe a network: {error!r}") from error
    tensors, _ = load_tensors(folder / WEIGHTS)
    place_tensors(network, tensors, folder / WEIGHTS)
    return network.eval()


def place_tensors(network: MSINet, tensors: Mapping[str, torch.Tensor], source: Path) -> None:
    """Give a network its tensors; every one must be there, and of the right shape.

    Raises:
        CheckpointError: lists the tensors that are missing, unknown or misshapen.
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
        listed = "\n  ".join(sorted(faults))
        raise CheckpointError(f"{source} does not fit the network in {len(faults)} tensors:\n  {listed}")
    network.load_state_dict(dict(tensors))
