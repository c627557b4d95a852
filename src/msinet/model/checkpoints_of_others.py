"""Tensors in checkpoints that others wrote: read so that nothing in the file can run code."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from msinet.errors import ModelError
from msinet.files.contents import is_safetensors, not_usable, what_is
from msinet.files.os_errors import in_words

STATE_DICT = "where it was made, save its tensors alone by torch.save(network.state_dict(), 'weights.pth')"


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors by name in a file of PyTorch or safetensors, without the prefix `module.` of several GPUs.

    They lie at the top of the file or in a mapping one level lower, such as `state_dict`.

    Raises:
        ModelError: the file is missing, is something else, is damaged, holds no tensors, or holds code.
    """
    if path.is_dir():
        raise ModelError(_is_a_folder(path))
    content = _content_of(path)
    if not isinstance(content, Mapping):
        raise ModelError(f"{path} holds a {type(content).__name__}, not tensors by name: {STATE_DICT}")
    inside = [content, *(value for value in content.values() if isinstance(value, Mapping))]
    tensors = max(({str(n): t for n, t in one.items() if isinstance(t, Tensor)} for one in inside), key=len)
    if not tensors:
        there = ", ".join(map(str, content)) or "nothing"
        raise ModelError(f"{path} holds no tensors by name, but {there[:200]}: {STATE_DICT}")
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}


def _content_of(path: Path) -> Any:
    try:
        if is_safetensors(path):
            with safe_open(path, framework="pt") as file:
                own = "msinet" in (file.metadata() or {})
            if own:
                raise ModelError(
                    f"{path} is of msinet itself and needs no conversion: pass the folder of a trained model as it is"
                )
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The message says it.
            return torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"cannot read {path}: {in_words(error)}") from error
    except Exception as error:  # The unpickler raises nearly anything when a file is broken.
        raise ModelError(_cannot_be_read(path, str(error))) from error


def _cannot_be_read(path: Path, error: str) -> str:
    """Return why a file is no checkpoint, in place of PyTorch's advice to read it unsafely."""
    kind = what_is(path)
    if "safetensors" in kind:
        return f"{path} is a damaged file of safetensors ({error}): download or copy it again"
    if "TorchScript" in kind:
        return f"{path} is {kind}, a compiled network: {STATE_DICT}"
    if "PyTorch" not in kind:
        return not_usable(path, "msinet convert reads a checkpoint of the published implementation, a .pth file")
    if found := re.search(r"(?:GLOBAL|Unsupported class|global) ([\w.]+\.\w+)", error):
        return f"{path} is no checkpoint that can be read safely: it holds {found[1]}, which could run code; {STATE_DICT}"
    return f"{path} is no checkpoint that can be read safely: it is {kind}, damaged or without tensors; {STATE_DICT}"


def _is_a_folder(path: Path) -> str:
    if (path / "model.json").is_file():
        return f"{path} is a model of msinet already: pass it as it is, without converting it"
    files = sorted(file for file in path.iterdir() if file.suffix in (".pth", ".pt", ".tar", ".safetensors"))
    return f"{path} is a folder: pass the file of the checkpoint" + (f", such as {files[0]}" if files else "")
