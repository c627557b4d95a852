"""Files of torch.export, read by PyTorch."""

from pathlib import Path

import numpy as np
import torch

from msinet.deploy.runtimes import METADATA, Input, Opened

TYPES: dict[torch.dtype, type[np.generic]] = {torch.uint8: np.uint8, torch.float32: np.float32, torch.float16: np.float16}


def open_program(path: Path, threads: int) -> Opened:
    """Read a file of torch.export; `threads` are those of the process, 0 for as many as PyTorch wants."""
    extra = {f"{METADATA}.json": ""}
    program = torch.export.load(path, extra_files=extra)
    if threads:
        torch.set_num_threads(threads)
    network = program.module()
    inputs = []
    for node in program.graph.nodes:
        if node.name in program.graph_signature.user_inputs:
            images = node.meta["val"]
            shape = tuple(length if isinstance(length, int) else None for length in images.shape)
            inputs.append(Input(shape, str(images.dtype), TYPES.get(images.dtype)))

    def run(images: np.ndarray) -> list[np.ndarray]:
        with torch.inference_mode():
            found = network(torch.from_numpy(images))
        return [one.numpy() for one in (found if isinstance(found, tuple | list) else [found])]

    outputs = len(program.graph_signature.user_outputs)
    return Opened(tuple(inputs), outputs, run, torch.__version__, extra[f"{METADATA}.json"])
