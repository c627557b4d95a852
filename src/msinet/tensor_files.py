"""Tensors and plain values in one safetensors file: nothing in it can run code, and it is whole or not there."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from msinet.errors import CheckpointError
from msinet.whole_files import write_whole


def save_tensors(path: Path, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    """Write tensors, with plain values as JSON and a checksum in the header."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = json.dumps({"values": values, "crc32": checksum(contiguous, values)})
    write_whole(path, save(contiguous, metadata={"msinet": header}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote.

    Raises:
        CheckpointError: the file is missing, damaged or not ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["msinet"])
            values, expected = header["values"], header["crc32"]
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read {path}: {error}; if it is damaged, delete it and make it anew") from error
    except (KeyError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} was not written by msinet: msinet convert reads published checkpoints") from error
    if expected != checksum(tensors, values):
        raise CheckpointError(f"cannot read {path}: its checksum is wrong; it is damaged, delete it and make it anew")
    return tensors, values


def checksum(tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> str:
    """Return the CRC-32 of plain values and of contiguous tensors' bytes, in the order of their names."""
    crc = zlib.crc32(json.dumps(values).encode())
    for name in sorted(tensors):
        crc = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, crc)
    return f"{crc:08x}"
