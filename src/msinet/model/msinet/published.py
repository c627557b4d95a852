"""Checkpoints of the published implementation: reading them, and the names of their tensors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from msinet.errors import ModelError
from msinet.files.paths import user_path
from msinet.model.checkpoints_of_others import read_tensors
from msinet.model.model_files import place_tensors
from msinet.model.msinet.architecture import NAMED, Architecture
from msinet.model.msinet.network import MSINet

_CELLS = {"0": "0.cells.0", "1": "0.cells.1", "3": "1.cells.0", "4": "1.cells.1", "6": "2.cells.0", "7": "2.cells.1"}
_HALVINGS = {"2": "0", "5": "1"}
_BLOCKS = {
    "conv1a": "reduce_a",
    "conv1b": "reduce_b",
    "conv4a": "expand_a",
    "conv4b": "expand_b",
    "downsample": "project",
}
_HEADS = {
    "fc": "whole_head.linear",
    "head": "whole_head.norm",
    "classifier": "whole_head.classifier",
    "f_conv": "part_head.reduce",
    "f_fc": "part_head.head.linear",
    "f_head": "part_head.head.norm",
    "f_classifier": "part_head.head.classifier",
}
_IN_BLOCK = {"conv": "0", "bn": "1"}
_IN_LIGHT = {"conv1": "0", "conv2": "1", "bn": "2"}
_IN_GATE = {"fc1": "squeeze.", "fc2": "excite.", "": ""}
_LEFT_OUT = re.compile(r"align_module\.")

COUNTER = "num_batches_tracked"
OF_THE_FILE = "(of the file) "
"""Stands before the name of a tensor that has no place here."""


@dataclass(frozen=True)
class Published:
    """A network with published weights, and the tensors of the file that it has no place for."""

    network: MSINet
    left_out: tuple[str, ...]


def load_published(
    path: str | Path, architecture: str | Architecture = "msmt17", image_size: tuple[int, int] | None = None
) -> MSINet:
    """Read the tensors of a checkpoint of the published implementation.

    Args:
        path: the file, with the tensors at its top or under `state_dict`, `module.` prefixes or not.
        architecture: the one that the weights were trained with: a name or a value.
        image_size: (height, width) that they were trained at; None takes people's 256 x 128 for msmt17, else 256 x 256.

    Raises:
        ModelError: the file cannot be read, or tensors are missing or misshapen; lists them.
    """
    return read_published(path, architecture, image_size).network


def read_published(
    path: str | Path, architecture: str | Architecture = "msmt17", image_size: tuple[int, int] | None = None
) -> Published:
    """Read a checkpoint as `load_published` does, and name the tensors that were left out (SAM's, and counters)."""
    path = user_path(path)
    tensors = read_tensors(path)
    if not isinstance(architecture, Architecture):
        architecture = Architecture.find(architecture)
    image_size = image_size or ((256, 128) if architecture == Architecture.named("msmt17") else (256, 256))
    classifier = tensors.get("classifier.weight")
    identities = len(classifier) if classifier is not None and classifier.ndim == 2 else 0
    network = MSINet(architecture, identities or 1, image_size=image_size)
    wanted = network.state_dict()
    placed, left_out = _placed(tensors, wanted)
    _require_msinet(path, placed, wanted)
    if not identities:
        raise ModelError(f"{path} has no classifier.weight of identities x 512: pass the checkpoint as it was trained")
    counters = {name: tensor for name, tensor in wanted.items() if name.endswith(COUNTER)}
    try:
        place_tensors(network, counters | placed, path, "pass the architecture that the weights were trained with")
    except ModelError as error:
        if other := next((name for name in NAMED if _fits(name, placed, identities)), None):
            message = f"{path} holds the weights of {other}, not of what was asked for: set architecture to {other}"
            raise ModelError(message, "architecture") from error
        raise
    return Published(network.eval(), tuple(left_out))


def _placed(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Return tensors under our names, and the names of those that are left out."""
    placed: dict[str, Tensor] = {}
    left_out: list[str] = []
    for name, tensor in tensors.items():
        ours = our_name(name)
        if ours and ours in wanted and not name.endswith(COUNTER):
            placed[ours] = _pointwise(tensor, wanted[ours])
        elif _LEFT_OUT.match(name) or name.endswith(COUNTER):
            left_out.append(name)
        else:
            placed[f"{OF_THE_FILE}{name}"] = tensor
    return placed, left_out


def _require_msinet(path: Path, placed: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Raise ModelError where most tensors are missing: the file is of another network, and a list of all helps nobody."""
    names = [name for name in wanted if not name.endswith(COUNTER)]
    missing = [name for name in names if name not in placed or placed[name].shape != wanted[name].shape]
    if len(missing) * 2 > len(names):
        others = [name.removeprefix(OF_THE_FILE) for name in placed if name.startswith(OF_THE_FILE)]
        instead = f"; the file has others ({', '.join(others[:2])}, ...)" if others else ""
        raise ModelError(
            f"{path} is not a checkpoint of MSINet: {len(missing)} of its {len(names)} tensors are missing "
            f"({', '.join(missing[:2])}, ...){instead}. Other networks are scored by their embeddings: "
            "msinet evaluate --embeddings"
        )


def _fits(architecture: str, placed: Mapping[str, Tensor], identities: int) -> bool:
    """Return whether the tensors of a file are those of a named architecture."""
    with torch.device("meta"):
        wanted = MSINet(Architecture.named(architecture), identities).state_dict()
    ours = {our_name(name.removeprefix(OF_THE_FILE)) or name: tensor for name, tensor in placed.items()}
    return ours.keys() == {name for name in wanted if not name.endswith(COUNTER)} and all(
        tensor.numel() == wanted[name].numel() for name, tensor in ours.items()
    )


def our_name(published: str) -> str | None:
    """Return our name of a tensor of the published implementation, None where it has no counterpart."""
    if match := re.fullmatch(r"conv1\.(conv|bn)\.(\w+)", published):
        return f"backbone.stem.{_IN_BLOCK[match[1]]}.{match[2]}"
    if match := re.fullmatch(r"cells\.([25])\.0\.(conv|bn)\.(\w+)", published):
        return f"backbone.halve.{_HALVINGS[match[1]]}.{_IN_BLOCK[match[2]]}.{match[3]}"
    if match := re.fullmatch(r"cells\.([013467])\.(.+)", published):
        inside = _name_in_cell(match[2])
        return inside and f"backbone.stages.{_CELLS[match[1]]}.{inside}"
    if match := re.fullmatch(r"(\w+)\.(\w+)", published):
        return f"{_HEADS[match[1]]}.{match[2]}" if match[1] in _HEADS else None
    return None


def _name_in_cell(published: str) -> str | None:
    if match := re.fullmatch(r"(conv[14][ab]|downsample)\.(conv|bn)\.(\w+)", published):
        return f"{_BLOCKS[match[1]]}.{_IN_BLOCK[match[2]]}.{match[3]}"
    if match := re.fullmatch(r"conv([23])a\.(conv1|conv2|bn)\.(\w+)", published):
        return f"scales_a.{int(match[1]) - 2}.0.{_IN_LIGHT[match[2]]}.{match[3]}"
    if match := re.fullmatch(r"conv([23])b\.([012])\.(conv1|conv2|bn)\.(\w+)", published):
        return f"scales_b.{int(match[1]) - 2}.{match[2]}.{_IN_LIGHT[match[3]]}.{match[4]}"
    if match := re.fullmatch(r"_op([23])\.(?:(fc1|fc2)\.)?(\w+)", published):
        return f"interactions.{int(match[1]) - 2}.{_IN_GATE[match[2] or '']}{match[3]}"
    return None


def _pointwise(tensor: Tensor, like: Tensor) -> Tensor:
    """Give a linear layer's weight the shape of the 1x1 convolution that computes the same, and the other way round."""
    same = tensor.numel() == like.numel() and tensor.shape[:2] == like.shape[:2]
    return tensor.reshape(like.shape) if same else tensor
