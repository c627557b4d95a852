"""Formats and precisions of exported networks: which pair works, and why the others do not. Imports no torch."""

from pathlib import Path
from typing import Literal, get_args

from msinet.errors import SettingsError

Format = Literal["onnx", "openvino", "torch"]
Precision = Literal["fp32", "fp16", "bf16", "int8"]

TORCH = "a program of PyTorch is written in fp32 alone, and run by torch.autocast where less will do: take openvino or onnx"

REFUSED: dict[tuple[str, str], str] = {
    ("onnx", "bf16"): "ONNX Runtime has no convolutions in bf16 for processors: take openvino, or fp32",
    ("torch", "fp16"): TORCH,
    ("torch", "bf16"): TORCH,
    ("torch", "int8"): TORCH,
}
"""Pairs of format and precision that are refused, with what to do."""

LEAST_COSINE: dict[str, float] = {"fp32": 0.99999, "fp16": 0.9999, "bf16": 0.9999}
"""What the vectors of an image before and after an export must agree by; int8 is judged by its scores."""

LARGEST_LOSS = 1.0
"""Points of mAP that int8 may lose."""


def require_pair(to: str, precision: str) -> None:
    """Raise a SettingsError for an unknown format or precision, or a pair that does not work."""
    for name, value, known in (("to", to, get_args(Format)), ("precision", precision, get_args(Precision))):
        if value not in known:
            raise SettingsError(f"{name} is {value}: choose one of {', '.join(known)}", name)
    if reason := REFUSED.get((to, precision)):
        raise SettingsError(f"to {to} with precision {precision} does not work: {reason}", "to", "precision")


def format_of(out: Path, to: str | None) -> str:
    """Return the format of an output: the one that is given or, else, the one that the output's suffix names.

    Raises:
        SettingsError: there is no such format, or the output has the suffix of another one.
    """
    suffixes = {"onnx": ".onnx", "torch": ".pt2", "openvino": ""}
    meant = next((name for name, suffix in suffixes.items() if out.suffix == suffix), None)
    if to is None and meant is None:
        raise SettingsError(f"out is {out}: end it in .onnx or .pt2, or name a folder for OpenVINO", "out")
    if to in ("onnx", "torch") and meant != to:
        raise SettingsError(f"out is {out}: a file of {to} ends in {suffixes[to]}", "out")
    if to == "openvino" and meant in ("onnx", "torch"):
        raise SettingsError(f"out is {out}: OpenVINO's files are two, so name a folder", "out")
    return to or str(meant)
