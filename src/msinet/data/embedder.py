"""What turns images into vectors, whatever computes it: images of any source are decoded ahead, and computed in batches."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, ClassVar, Protocol, cast

import numpy as np
from PIL import Image

from msinet.data.embeddings import Embeddings
from msinet.data.pixels import in_threads, resized
from msinet.data.records import ImageRecord, Skipped
from msinet.data.sources import LeftOut, Source, boxes_of, cut, frame_of, is_one, name_of, name_of_box, read
from msinet.errors import DatasetError
from msinet.files.sketch import Sketch
from msinet.progress import begin

BATCH_SIZE = 8
"""Images that are computed at a time."""

AHEAD = 4 * BATCH_SIZE
"""Images that are decoded ahead of the network."""


_Batch = list[tuple[int, tuple[Any, np.ndarray | str]]]
"""Positions, and of each the source with its pixels or the reason why there are none."""


@dataclass(frozen=True)
class Embedded:
    """Vectors of images."""

    vectors: np.ndarray
    """(M, D) float32, unit length."""
    positions: np.ndarray
    """(M,) position of each among the images that were given; (N,), all of them, where all could be read."""
    left_out: tuple[LeftOut, ...]
    """The others, with the reasons."""

    def __len__(self) -> int:
        return len(self.vectors)


class EmbedsPixels(Protocol):
    """What a network of PyTorch has in common with what runs a file; see `Embedder` for the meanings."""

    kind: ClassVar[str]
    image_size: tuple[int, int]
    learned: Sketch | None

    @property
    def embedding_dim(self) -> int: ...
    def arguments(self) -> dict[str, Any]: ...
    def fingerprint(self) -> str: ...
    def vectors(self, pixels: np.ndarray, flip: bool = False) -> np.ndarray: ...


class Embedder(ABC):
    """Images -> vectors, and the facts that results state of it, under the names that networks have."""

    image_size: tuple[int, int]
    """(height, width) in pixels that images are resized to."""
    embedding_dim: int
    """Length D of a vector."""
    batch_size: int = BATCH_SIZE
    """Images that are computed at a time; more take more memory."""
    at_once: int = 1
    """Parts of a batch that are computed at the same time, each by a thread."""
    learned: Sketch | None = None
    """Images that the network learned, by their contents; None where they are not known."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """Kind of the network."""

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return what is known of the network, as plain values."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a short hash of it, to tell networks apart in results."""

    @property
    def weights(self) -> str:
        """Short hash of the weights that the vectors come from: the same for a network and for its exports in floats."""
        return self.fingerprint()

    @abstractmethod
    def vectors(self, pixels: np.ndarray, flip: bool = False) -> np.ndarray:
        """Map images of the network's size, (B, H, W, 3) uint8 RGB, to vectors (B, D) of unit length.

        Args:
            pixels: the images.
            flip: take the mean of the vectors of each image and its mirror image, scaled to unit length.

        Raises:
            ModelError: the network cannot embed them.
        """

    def embed(
        self, images: Source | Iterable[Source], boxes: np.ndarray | Sequence[Sequence[float]] | None = None
    ) -> Embedded:
        """Embed images, or what lies in the boxes of a frame. Images that cannot be read are named, and left out.

        Args:
            images: one or several: paths, contents of image files, arrays (H, W, 3) uint8 in the order RGB, Pillow images.
                With boxes, one frame.
            boxes: (N, 4), left, top, right and bottom in pixels of the frame, to which they are clipped.

        Raises:
            DatasetError: the frame cannot be read.
            ValueError: the boxes have another shape.
            OSError: too many files are open, or memory is short.
        """
        if boxes is not None:
            if not is_one(images):
                raise ValueError("boxes belong to one frame: give one image with them")
            frame = frame_of(cast(Source, images))
            return self._embed(partial(cut, frame), list(boxes_of(boxes)), name_of_box, threaded=False)
        several = [images] if is_one(images) else cast(Iterable[Source], images)
        return self._embed(read, several, name_of)

    def embed_readable(self, records: Sequence[ImageRecord], flip: bool = False) -> tuple[Embeddings, tuple[Skipped, ...]]:
        """Embed the images of records that can be read: (N, D), unit length, in the records' order.

        Args:
            records: several of one file cost one pass.
            flip: take the mean of the embeddings of each image and its mirror image, scaled to unit length.

        Returns:
            The embeddings, and the files that cannot be read.
        """
        once = list({record.path: record for record in records}.values())
        found = self._embed(read, [record.path for record in once], name_of, flip=flip)
        skipped = {once[position].path: reason for position, _, reason in found.left_out}
        readable = [record for record in records if record.path not in skipped] if skipped else records
        embeddings = Embeddings(found.vectors, [once[position] for position in found.positions.tolist()])
        return embeddings.of(readable), tuple(Skipped(path, reason) for path, reason in skipped.items())

    def embed_records(self, records: Sequence[ImageRecord], flip: bool = False) -> Embeddings:
        """Embed the images of all records. Raises DatasetError where one cannot be read."""
        embeddings, skipped = self.embed_readable(records, flip)
        for file in skipped[:1]:
            raise DatasetError(f"cannot read the image {file.path}: {file.reason}")
        return embeddings

    def _embed(
        self,
        load: Callable[[Any], Image.Image | str],
        sources: Iterable[Any],
        name: Callable[[Any], str],
        threaded: bool = True,
        flip: bool = False,
    ) -> Embedded:
        """Embed sources in their order; `load` returns an image, or the reason why there is none."""
        total = len(sources) if isinstance(sources, Sized) else None
        bar, left_out, positions, vectors = begin("embed", total), [], [], _Rows(total, self.embedding_dim)
        ahead = partial(in_threads, ahead=AHEAD) if threaded else map
        loaded = enumerate(ahead(partial(_load, load, self.image_size), sources))
        batches = _batches(loaded, max(1, self.batch_size // self.at_once))
        for batch, rows in self._compute(batches, flip):
            left_out += [
                LeftOut(position, name(source), pixels) for position, (source, pixels) in batch if isinstance(pixels, str)
            ]
            if len(rows):
                positions += [position for position, (_, pixels) in batch if not isinstance(pixels, str)]
                vectors.append(rows)
            bar.advance(len(batch))
        return Embedded(vectors.rows(), np.array(positions, np.int64), tuple(left_out))

    def _compute(self, batches: Iterable[_Batch], flip: bool) -> Iterator[tuple[_Batch, np.ndarray]]:
        """Yield batches in their order, each with the vectors of what could be read of it."""
        nothing = np.empty((0, self.embedding_dim), np.float32)

        def compute(batch: _Batch) -> tuple[_Batch, np.ndarray]:
            readable = [pixels for _, (_, pixels) in batch if not isinstance(pixels, str)]
            return batch, self.vectors(np.stack(readable), flip) if readable else nothing

        if self.at_once == 1:
            return map(compute, batches)
        return in_threads(compute, batches, ahead=self.at_once + 1, threads=self.at_once)


class NetworkEmbedder(Embedder):
    """A network of PyTorch as an embedder."""

    def __init__(self, network: EmbedsPixels) -> None:
        self.network = network
        self.image_size, self.embedding_dim, self.learned = network.image_size, network.embedding_dim, network.learned

    @property
    def kind(self) -> str:
        """Kind of the network."""
        return self.network.kind

    def arguments(self) -> dict[str, Any]:
        """Return what makes the network, besides its weights."""
        return self.network.arguments()

    def fingerprint(self) -> str:
        """Return a short hash of its weights."""
        return self.network.fingerprint()

    def vectors(self, pixels: np.ndarray, flip: bool = False) -> np.ndarray:
        """Map images of the network's size to vectors; see `Embedder`."""
        return self.network.vectors(pixels, flip)


def as_embedder(model: Embedder | EmbedsPixels) -> Embedder:
    """Return a predictor as it is, and a network of PyTorch as an embedder."""
    return model if isinstance(model, Embedder) else NetworkEmbedder(model)


class _Rows:
    """Rows that come in parts: in one array that is there from the beginning, where their number is known."""

    def __init__(self, total: int | None, dim: int) -> None:
        self.whole, self.parts, self.filled = None if total is None else np.empty((total, dim), np.float32), [], 0
        self.dim = dim

    def append(self, rows: np.ndarray) -> None:
        if self.whole is None:
            self.parts.append(rows)
        else:
            self.whole[self.filled : self.filled + len(rows)] = rows
        self.filled += len(rows)

    def rows(self) -> np.ndarray:
        if self.whole is None:
            return np.concatenate([np.empty((0, self.dim), np.float32), *self.parts])
        return self.whole[: self.filled]


def _load(load: Callable[[Any], Image.Image | str], size: tuple[int, int], source: Any) -> tuple[Any, np.ndarray | str]:
    """Return a source, and its pixels at the network's size or the reason why there are none."""
    image = load(source)
    return source, image if isinstance(image, str) else resized(image, size)


def _batches(items: Iterable[tuple[int, tuple[Any, np.ndarray | str]]], size: int) -> Iterator[_Batch]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
