"""Writing a network that nobody trained as an ONNX file: its vector is the mean colour of what it is given."""

from collections.abc import Sequence
from pathlib import Path

FLOAT = 1
"""ONNX's number of the type float32."""
Axes = Sequence[int | str]


def field(number: int, value: int | str | bytes) -> bytes:
    """Return one field of a message of protocol buffers."""
    if isinstance(value, int):
        return bytes([number << 3, value & 127 | 128, value >> 7])
    payload = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(payload) & 127 | 128, len(payload) >> 7]) + payload


def node(operation: str, source: str, result: str) -> bytes:
    return field(1, field(1, source) + field(2, result) + field(4, operation))


def value(number: int, name: str, axes: Axes, kind: int) -> bytes:
    """Return an input (number 11) or an output (12); an axis with a name takes any length."""
    shape = b"".join(field(1, field(1 if isinstance(axis, int) else 2, axis)) for axis in axes)
    tensor = field(1, kind) + field(2, shape)
    return field(number, field(1, name) + field(2, field(1, tensor)))


def write_mean_colour(
    path: Path, *inputs: Axes, kind: int = FLOAT, pooled: bool = True, flat: bool = True, outputs: int = 1
) -> Path:
    """Write the network with inputs of these shapes; `flat` makes a vector of its map."""
    inputs = inputs or (("B", 3, 16, 8),)
    nodes, results = b"", []
    if pooled:
        nodes += node("GlobalAveragePool", "x0", "map")
        results.append(value(12, "map", (inputs[0][0], 3, 1, 1), kind))
    if flat:
        nodes += node("Flatten", "map" if pooled else "x0", "vector")
        results.insert(0, value(12, "vector", (inputs[0][0], "D"), kind))
    given = [value(11, f"x{number}", axes, kind) for number, axes in enumerate(inputs)]
    graph = nodes + field(2, "mean colour") + b"".join([*given, *results[:outputs]])
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))
    return path
