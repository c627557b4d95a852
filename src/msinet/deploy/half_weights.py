"""ONNX models whose weights are stored in half precision and computed with in float32."""

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper  # pyright: ignore[reportMissingImports]

SMALLEST = 64
"""Numbers below which halving a tensor saves nothing."""


def halve_weights(model: ModelProto) -> None:
    """Store the float32 weights of a model as float16; a cast before their use gives float32 back."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
