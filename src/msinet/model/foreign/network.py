"""A foreign network as the rest of msinet sees one: it embeds, and cannot be trained, adapted on disk or exported."""

from collections.abc import Mapping
from typing import Any, NoReturn, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from msinet.errors import ModelError
from msinet.model.foreign.file import ForeignFile
from msinet.model.foreign.pixels import ForeignPixels
from msinet.model.foreign.runtimes import Input, Opened, open_foreign
from msinet.model.network import Network
from msinet.normalisation import MEAN, STD


class ForeignNetwork(Network):
    """A network of others, run by ONNX Runtime or OpenVINO on the processor.

    Its one input is images (B, 3, H, W), its one output vectors (B, D), which are scaled to unit length.

    Args:
        file: the file, and the runtime that reads it.

    Raises:
        ModelError: the file is missing or damaged, it has other inputs or outputs, or its images are not described.
        MissingExtraError: the runtime is not installed.
    """

    kind = "foreign"
    identities = 0

    def __init__(self, file: ForeignFile) -> None:
        super().__init__()
        self.file, self.pixels = file, ForeignPixels.read(file.description)
        self.opened = open_foreign(file, torch.get_num_threads())
        self.input = _images_of(file, self.opened)
        self.image_size = _size_of(file, self.pixels, self.input)
        self.dim = self._run(np.zeros((1, 3, *self.image_size), np.float32)).shape[1]

    @property
    def embedding_dim(self) -> int:
        """Length D of an embedding."""
        return self.dim

    def embed(self, images: Tensor) -> Tensor:
        """Map normalised images (B, 3, H, W) to embeddings (B, D) of unit length, float32."""
        mean, std = (images.new_tensor(values)[:, None, None] for values in (MEAN, STD))
        colours = ((images * std + mean) * 255).round()  # They were of 8 bits, which rounding gives back exactly.
        vectors = self._run(self.pixels.apply(colours.cpu().numpy()))
        embedding = F.normalize(torch.from_numpy(vectors).to(images.device))
        return self.adaptation(embedding) if self.adaptation else embedding

    def _run(self, images: np.ndarray) -> np.ndarray:
        """Map (B, 3, H, W) float32 to (B, D) float32, as many at a time as the network takes."""
        at_once = self.input.shape[0] or len(images)
        vectors = []
        for start in range(0, len(images), at_once):
            some = images[start : start + at_once].astype(self.input.dtype)
            filled = np.concatenate([some, np.zeros((at_once - len(some), *some.shape[1:]), some.dtype)])
            vectors.append(self._run_once(filled)[: len(some)])
        return np.concatenate(vectors)

    def _run_once(self, images: np.ndarray) -> np.ndarray:
        try:
            found = self.opened.run(np.ascontiguousarray(images))
        except Exception as error:  # ONNX Runtime's own derive from nothing else.
            height, width = images.shape[2:]
            why = (str(error).strip().splitlines() or [repr(error)])[-1]
            raise ModelError(f"{self.file} does not embed images of {height} x {width}: {why}") from error
        if found.ndim < 2 or len(found) != len(images) or found[0].size != found.shape[1]:
            raise ModelError(f"{self.file} makes {found.shape} of {len(images)} images: it has to make a vector of each")
        return found.reshape(len(images), -1).astype(np.float32)

    def fingerprint(self) -> str:
        """Return a short hash of the file and its weights."""
        return self.file.fingerprint()

    def arguments(self) -> dict[str, Any]:
        """Return runtime, file name and pixels as plain values, for the record of a result."""
        runtime = f"{self.file.runtime} {self.opened.version}"
        return {"file": self.file.path.name, "runtime": runtime, "pixels": self.pixels.facts()}

    @classmethod
    def build(cls, identities: int, image_size: tuple[int, int], width: float, architecture: Any = None) -> Self:
        """Raise ModelError: it cannot be trained."""
        _refuse("a foreign network")

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """Raise ModelError: it is not made of arguments, but of its file."""
        _refuse("a foreign network")

    def forward(self, images: Tensor) -> NoReturn:
        """Raise ModelError: it has neither logits nor a map to be trained with."""
        _refuse(str(self.file))


def _refuse(name: str) -> NoReturn:
    raise ModelError(f"{name} only embeds: it has no weights to train or save here; give one that msinet train wrote")


def _images_of(file: ForeignFile, opened: Opened) -> Input:
    """Return the only input, which takes images."""
    if len(opened.inputs) != 1 or opened.outputs != 1:
        raise ModelError(
            f"{file} has inputs and outputs {len(opened.inputs)} and {opened.outputs}: it needs one input, the images, and "
            "one output, their embeddings"
        )
    (images,) = opened.inputs
    if len(images.shape) != 4 or images.shape[1] not in (3, None):
        axes = ", ".join("any" if length is None else str(length) for length in images.shape)
        raise ModelError(f"{file} takes ({axes}): it has to take images (any, 3, height, width)")
    if images.dtype is None:
        raise ModelError(f"{file} takes numbers of the type {images.kind}: it has to take float32 or float16")
    return images


def _size_of(file: ForeignFile, pixels: ForeignPixels, images: Input) -> tuple[int, int]:
    """Return (height, width): what is written beside the file or, where nothing is, what the network states."""
    height, width = images.shape[2:]
    if pixels.size is None:
        if height is None or width is None:
            raise ModelError(
                f'{file} takes images of any size: write the one to use into {file.description}: {{"size": [256, 128]}}'
            )
        return height, width
    if any(own not in (None, said) for own, said in zip((height, width), pixels.size, strict=True)):
        raise ModelError(f"{file} takes images of {height} x {width}, but {file.description} says {list(pixels.size)}")
    return pixels.size
