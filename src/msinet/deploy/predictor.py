"""The predictor: a network in a file embeds images, without torch."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from msinet.data.embedder import BATCH_SIZE, Embedder
from msinet.data.pixels import resized
from msinet.data.sources import Source, frame_of
from msinet.deploy.exported_facts import ExportedFacts
from msinet.deploy.foreign_pixels import ForeignPixels
from msinet.deploy.runtimes import Input, Opened, open_file
from msinet.deploy.shipped import file_of_model
from msinet.errors import ModelError
from msinet.files.paths import user_path
from msinet.model.runtime_file import RuntimeFile

INTEGERS = "int8"
"""Precision whose vectors differ visibly from those of the weights."""


class Predictor(Embedder):
    """A network that embeds images by ONNX Runtime, OpenVINO or torch.export, on the processor.

    Files that `msinet export` wrote describe themselves. What a network of others expects of its images stands in
    FILE.pixels.json beside it, or is given: its one input is images (B, 3, H, W), its one output vectors (B, D).

    Args:
        model: FILE.onnx, FILE.xml, FILE.pt2, a folder with model.xml, or `RUNTIME:FILE`. The name of a model that ships, or
            a folder of `msinet train`, is exported to a cache once, which needs msinet[train].
        pixels: what a network of others expects of its images: the file that says so, or its content.
        threads: that the runtime computes with; 0 for as many as it wants.
        batch_size: images that are computed at a time; more take more memory.
        streams: parts of a batch that OpenVINO computes at the same time, which share the threads: more images a second,
            and what is computed alone takes longer. 0 for as many as it finds best.

    Raises:
        ModelError: there is no such model, a file is damaged, or its inputs and outputs are others.
        MissingExtraError: the runtime is not installed.
    """

    def __init__(
        self,
        model: str | Path,
        pixels: Mapping[str, Any] | str | Path | None = None,
        threads: int = 0,
        batch_size: int = BATCH_SIZE,
        streams: int = 1,
    ) -> None:
        self.file = RuntimeFile.named(model) or file_of_model(model)
        self.opened = open_file(self.file, threads, streams, keep=True)
        self.batch_size, self.at_once = batch_size, self.opened.streams
        self.input = _only_input(self.file, self.opened)
        self.exported = ExportedFacts.of(self.opened.metadata, self.file)
        if self.exported and pixels is not None:
            raise ModelError(f"{self.file} says itself what it expects of its images: leave out pixels")
        if self.exported:
            self.pixels = None
            self.image_size = self.exported.card.pixels.size
            self.embedding_dim = self.exported.embedding_dim
            self.learned = self.exported.card.learned
        else:
            _require_images(self.file, self.opened, self.input)
            self.pixels, described = _pixels_of(self.file, pixels)
            self.image_size = _size_of(self.file, self.pixels, described, self.input)
            self.embedding_dim = self._run(np.zeros((1, *self.image_size, 3), np.uint8))[0].shape[1]

    @property
    def kind(self) -> str:
        """Kind of the network; `foreign` for those of others."""
        return self.exported.card.kind if self.exported else "foreign"

    def arguments(self) -> dict[str, Any]:
        """Return runtime, file name and precision or pixels as plain values, for the record of a result."""
        facts = {"file": self.file.path.name, "runtime": f"{self.file.runtime} {self.opened.version}"}
        if self.exported:
            return {**self.exported.card.arguments, **facts, "precision": self.exported.precision}
        return {**facts, "pixels": self.pixels.facts() if self.pixels else None}

    def fingerprint(self) -> str:
        """Return a short hash of the file and its weights."""
        return self.file.fingerprint()

    @property
    def weights(self) -> str:
        """Short hash of the weights that were exported; of the file where they are rounded to integers or of others."""
        if self.exported and self.exported.precision != INTEGERS and self.exported.card.fingerprint:
            return self.exported.card.fingerprint
        return self.fingerprint()

    def maps(self, images: Iterable[Source]) -> np.ndarray:
        """Return the last map of images, (N, C, h, w): what activation and matching are drawn from.

        Raises:
            ModelError: the file has no such output: export it with the last map.
            DatasetError: an image cannot be read.
        """
        if self.opened.outputs < 2:
            raise ModelError(f"{self.file} has no output for the last map: export it by msinet export --last-map")
        frames = [resized(frame_of(image), self.image_size) for image in images]
        starts = range(0, len(frames), self.batch_size)
        return np.concatenate([self._run(np.stack(frames[i : i + self.batch_size]))[1] for i in starts])

    def vectors(self, pixels: np.ndarray, flip: bool = False) -> np.ndarray:
        """Map images of the network's size to vectors; see `Embedder`."""
        vectors = self._run(pixels)[0]
        if flip:
            vectors = _unit(vectors + self._run(np.ascontiguousarray(pixels[:, :, ::-1]))[0])
        return vectors

    def _run(self, pixels: np.ndarray) -> list[np.ndarray]:
        """Map (B, H, W, 3) uint8 to vectors (B, D) and further outputs, as many images at a time as the network takes."""
        if self.pixels is None:
            return self._run_once(pixels)
        images = self.pixels.apply(pixels.transpose(0, 3, 1, 2)).astype(self.input.dtype or np.float32)
        at_once, found = self.input.shape[0] or len(images), []
        for start in range(0, len(images), at_once):
            some = images[start : start + at_once]
            filled = np.concatenate([some, np.zeros((at_once - len(some), *some.shape[1:]), some.dtype)])
            found.append(self._run_once(filled)[0][: len(some)])
        vectors = np.concatenate(found)
        return [_unit(vectors.reshape(len(vectors), -1).astype(np.float32))]

    def _run_once(self, images: np.ndarray) -> list[np.ndarray]:
        try:
            found = list(self.opened.run(np.ascontiguousarray(images)))
        except Exception as error:  # ONNX Runtime's own derive from nothing else.
            height, width = self.image_size
            why = (str(error).strip().splitlines() or [repr(error)])[-1]
            raise ModelError(f"{self.file} does not embed images of {height} x {width}: {why}") from error
        vectors = found[0]
        if vectors.ndim < 2 or len(vectors) != len(images) or vectors[0].size != vectors.shape[1]:
            raise ModelError(f"{self.file} makes {vectors.shape} of {len(images)} images: it has to make a vector of each")
        return found


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)


def _only_input(file: RuntimeFile, opened: Opened) -> Input:
    """Return the only input."""
    if len(opened.inputs) != 1 or (opened.outputs != 1 and not opened.metadata):
        raise ModelError(
            f"{file} has inputs and outputs {len(opened.inputs)} and {opened.outputs}: it needs one input, the images, and "
            "one output, their embeddings"
        )
    return opened.inputs[0]


def _require_images(file: RuntimeFile, opened: Opened, images: Input) -> None:
    """Raise ModelError unless a network of others takes images."""
    if len(images.shape) != 4 or images.shape[1] not in (3, None):
        axes = ", ".join("any" if length is None else str(length) for length in images.shape)
        raise ModelError(f"{file} takes ({axes}): it has to take images (any, 3, height, width)")
    if images.dtype is None or not np.issubdtype(images.dtype, np.floating):
        raise ModelError(f"{file} takes numbers of the type {images.kind}: it has to take float32 or float16")


def _pixels_of(file: RuntimeFile, given: Mapping[str, Any] | str | Path | None) -> tuple[ForeignPixels, str]:
    """Return what a network of others expects of its images, and what messages call that which says so."""
    if isinstance(given, Mapping):
        return ForeignPixels.of(given), "pixels"
    if given is None:
        return ForeignPixels.read(file.description), str(file.description)
    path = user_path(given)
    if not path.is_file():
        raise ModelError(f"pixels is {path}: there is no such file")
    return ForeignPixels.read(path), str(path)


def _size_of(file: RuntimeFile, pixels: ForeignPixels, described: str, images: Input) -> tuple[int, int]:
    """Return (height, width): what is described or, where nothing is, what the network states."""
    height, width = images.shape[2:]
    if pixels.size is None:
        if height is None or width is None:
            raise ModelError(
                f'{file} takes images of any size: write the one to use into {described}: {{"size": [256, 128]}}'
            )
        return height, width
    if any(own not in (None, said) for own, said in zip((height, width), pixels.size, strict=True)):
        raise ModelError(f"{file} takes images of {height} x {width}, but {described} says {list(pixels.size)}")
    return pixels.size
