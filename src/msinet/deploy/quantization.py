"""Quantization to 8-bit integers, by the ranges that calibration images give.

Convolutions compute in integers and, in OpenVINO, what passes their maps on; all else in floating point.

The linear map of an adaptation, attention and the scaling to unit length stay in floating point: they are small, and a map
that divides by small variances multiplies rounding errors.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from msinet.deploy.own_thread import in_own_thread
from msinet.errors import MissingExtraError

IN_INTEGERS = {"Convolution", "GroupConvolution", "Add", "AvgPool", "Concat", "MaxPool", "Relu"}
"""OpenVINO's operations on maps that compute in integers: a sum of maps in floats would keep whole cells from integers."""

BATCH = 8
"""Calibration images that the network sees at a time."""


def quantize_onnx(model: Any, calibration: np.ndarray) -> Any:
    """Return an ONNX model with 8-bit convolutions, quantized by ONNX Runtime.

    Args:
        model: onnx.ModelProto, float32.
        calibration: (N, H, W, 3) uint8.
    """
    try:
        import onnx  # pyright: ignore[reportMissingImports]
        from onnxruntime.quantization import (  # pyright: ignore[reportMissingImports]
            CalibrationDataReader,
            QuantFormat,
            QuantType,
            quantize_static,
        )
    except ImportError as error:
        raise MissingExtraError(str(error.name), "export") from error

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter([calibration[i : i + BATCH] for i in range(0, len(calibration), BATCH)])

        def get_next(self) -> dict[str, np.ndarray]:
            return {"images": batch} if (batch := next(self.batches, None)) is not None else {}  # An empty one ends it.

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, before)
        quantize_static(
            before,
            after,
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(after)


def quantize_openvino(model: Any, calibration: np.ndarray) -> Any:
    """Return an OpenVINO model with 8-bit convolutions, quantized by NNCF.

    Args:
        model: openvino.Model, float32.
        calibration: (N, H, W, 3) uint8.
    """
    try:
        import nncf  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError(str(error.name), "export") from error
    images = nncf.Dataset([calibration[i : i + 1] for i in range(len(calibration))])
    in_float = nncf.IgnoredScope(names=[each.get_friendly_name() for each in model.get_ops() if not _in_integers(each)])
    # It loads OpenVINO's plugin to compute the ranges.
    return in_own_thread(nncf.quantize, model, images, subset_size=len(calibration), ignored_scope=in_float)


def _in_integers(operation: Any) -> bool:
    """Return whether an operation of an OpenVINO model computes in integers: of those on vectors none does."""
    of_maps = operation.get_output_size() and operation.get_output_partial_shape(0).rank.get_length() == 4
    return bool(of_maps) and operation.get_type_name() in IN_INTEGERS
