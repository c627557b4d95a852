"""The published network's numbers, and weights and images made by their formula (`published_anchors.json`)."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

PUBLISHED = {"msmt17": "cg cg ex cg  ca cg cg none  cg ca ex ca", "veri776": "ex cg ex ca  ex none ex cg  ca ca ca ca"}
CELLS = {0: (64, 256), 1: (256, 256), 3: (256, 384), 4: (384, 384), 6: (384, 512), 7: (512, 512)}  # in, out channels


def normal(seed: int, shape) -> np.ndarray:
    """Return the formula's R(seed, shape)."""
    return np.random.RandomState(seed).standard_normal(shape)


def published_shapes(architecture: str, identities: int = 5, with_sam: bool = False) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a published network's tensors by name, as its checkpoints have them."""
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(name: str, *weight: int, bias: bool = False) -> None:
        shapes[f"{name}.weight"] = weight
        if bias:
            shapes[f"{name}.bias"] = weight[:1]

    def norm(name: str, dim: int) -> None:
        for tensor in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{tensor}"] = (dim,)

    def conv_norm(name: str, *weight: int) -> None:
        layer(f"{name}.conv", *weight)
        norm(f"{name}.bn", weight[0])

    conv_norm("conv1", 64, 3, 7, 7)
    conv_norm("cells.2.0", 256, 256, 1, 1)
    conv_norm("cells.5.0", 384, 384, 1, 1)
    interactions = iter(PUBLISHED[architecture].split())
    for number, (before, after) in CELLS.items():
        cell, width = f"cells.{number}", after // 4
        for branch in "ab":
            conv_norm(f"{cell}.conv1{branch}", width, before, 1, 1)
            conv_norm(f"{cell}.conv4{branch}", after, width, 1, 1)
        for light in ("2a", "3a", "2b.0", "2b.1", "2b.2", "3b.0", "3b.1", "3b.2"):
            layer(f"{cell}.conv{light}.conv1", width, width, 1, 1)
            layer(f"{cell}.conv{light}.conv2", width, 1, 3, 3)
            norm(f"{cell}.conv{light}.bn", width)
        if before != after:
            conv_norm(f"{cell}.downsample", after, before, 1, 1)
        for place in ("_op2", "_op3"):
            interaction = next(interactions)
            if interaction == "cg":
                layer(f"{cell}.{place}.fc1", width // 16, width, 1, 1, bias=True)
                layer(f"{cell}.{place}.fc2", width, width // 16, 1, 1, bias=True)
            if interaction == "ca":
                shapes[f"{cell}.{place}.gamma"] = (1,)
    for prefix, dim in (("", 512), ("f_", 256)):
        layer(f"{prefix}fc", dim, dim)
        norm(f"{prefix}head", dim)
        layer(f"{prefix}classifier", identities, dim, bias=True)
    layer("f_conv", 128, 384, 1, 1, bias=True)
    if with_sam:
        layer("align_module.pos_pam.query_conv", 64, 512, 1, 1, bias=True)
        layer("align_module.pos_pam.key_conv", 64, 512, 1, 1, bias=True)
    return shapes


def formula_tensor(name: str, number: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Return tensor `number` of the published network as the formula makes it."""
    values = normal(number, shape)
    if name.endswith("running_var"):
        values = np.exp(0.3 * values)
    elif name.endswith(("running_mean", "bias")):
        values = 0.1 * values
    elif name.endswith("gamma"):
        values = np.full(shape, 0.7)
    elif name.endswith("bn.weight") or name in ("head.weight", "f_head.weight"):
        values = 1 + 0.2 * values
    else:
        values = values * np.sqrt(1.5 / (values.size / shape[0]))
    return torch.from_numpy(values)


@pytest.fixture(scope="session")
def anchors() -> dict:
    return json.loads((Path(__file__).parent / "published_anchors.json").read_text())


@pytest.fixture(scope="session")
def published_tensors():
    """Return a function that makes a published network's tensors by the formula, float64, in the order of their names."""

    def make(architecture: str, identities: int = 5, with_sam: bool = False) -> dict[str, torch.Tensor]:
        shapes = sorted(published_shapes(architecture, identities, with_sam).items())
        return {name: formula_tensor(name, number, shape) for number, (name, shape) in enumerate(shapes)}

    return make


@pytest.fixture(scope="session")
def formula_images():
    """Return a function that makes a batch of images (B, 3, H, W) by the formula, float64."""

    def make(seed: int, shape: list[int]) -> torch.Tensor:
        batch, channels, height, width = shape
        coarse = normal(seed, (batch, channels, 4, 4)).repeat(height // 4, axis=2).repeat(width // 4, axis=3)
        return torch.from_numpy(coarse + 0.3 * normal(seed + 1, shape))

    return make


@pytest.fixture
def double():
    """Build networks in float64 during the test: what holds exactly is then told from rounding."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)
