"""Tensors and plain values in one safetensors file: nothing in it can run code, and it is whole or not there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from msinet.errors import CheckpointError


def save_tensors(path: Path, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    """Write tensors, with plain values as JSON in the header; beside and renamed, so that no half-written file counts."""
    beside = path.with_name(path.name + ".unfinished")
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(save(contiguous, metadata={"msinet": json.dumps(values)}))
        beside.replace(path)
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error}; free some space or choose another --out") from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote.

    Raises:
        CheckpointError: the file is missing, damaged or not ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            values = json.loads((file.metadata() or {})["msinet"])
            return {name: file.get_tensor(name) for name in file.keys()}, values  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read {path}: {error}; if it is damaged, delete it and make it anew") from error
    except (KeyError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} was not written by msinet: msinet convert reads published checkpoints") from error
