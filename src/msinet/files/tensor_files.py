"""Safetensors files of arrays and plain values: they cannot run code, are written atomically and carry a checksum."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from msinet.errors import FileError
from msinet.files.atomic import write_atomically
from msinet.files.os_errors import in_words


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> None:
    """Write arrays, with plain values as JSON and a checksum in the header."""
    ordered = {name: np.require(array, requirements="C") for name, array in arrays.items()}
    header = json.dumps({"values": values, "crc32": checksum(ordered, values)})
    write_atomically(path, save(ordered, metadata={"msinet": header}))


def load_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `save_arrays` wrote.

    Raises:
        FileError: the file is missing, damaged or not ours.
    """
    try:
        with safe_open(path, framework="np") as file:
            header = json.loads((file.metadata() or {})["msinet"])
            values, expected = header["values"], header["crc32"]
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise FileError(f"cannot read {path}: {in_words(error)}; if it is damaged, delete it and make it anew") from error
    except (KeyError, json.JSONDecodeError) as error:
        raise FileError(f"{path} was not written by msinet: msinet convert reads published checkpoints") from error
    if expected != checksum(arrays, values):
        raise FileError(f"cannot read {path}: its checksum is wrong; it is damaged, delete it and make it anew")
    return arrays, values


def checksum(arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> str:
    """Return the CRC-32 of plain values and of the arrays' bytes, in the order of their names."""
    crc = zlib.crc32(json.dumps(values).encode())
    for name in sorted(arrays):
        crc = zlib.crc32(arrays[name].tobytes(), crc)
    return f"{crc:08x}"
