"""Distillation from views: cuts and mixtures of images, of which teachers tell the vectors and a network learns them.

Part of examples/make_weights.py. Images are few, and their views are as many as there is time for.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor, nn
from torch.nn import functional as F

import msinet
from msinet.data.pixels import load_image
from msinet.files.atomic import write_atomically
from msinet.model.linear_map import LinearMap
from msinet.model.network import Network
from msinet.normalisation import MEAN, STD
from msinet.progress import begin, track

PART = 2_000
"""Views in a file."""

LARGE = (256, 192)
"""(height, width) in pixels at which views are made."""

SIZE = (128, 96)
"""(height, width) in pixels at which they are kept."""

SYNTHETIC = 0.2
"""Share of the pictures in views that are synthetic."""

BATCH_SIZE = 64
WARMUP = 300
SAVED_EVERY = 500
WEIGHT_DECAY = 0.05
SCALE = 10.0
"""Factor of vectors of unit length before the layer that imitates the teachers, so that it learns quickly."""

FOLLOWED = 24_000
"""Views that the closing map is fitted to."""

FOLLOWING_STEPS = 1_500
FOLLOWING_BATCH = 512
FOLLOWING_RATE = 1e-3


@dataclass(frozen=True)
class Views:
    """Views, and the vectors that the teachers give to them."""

    pictures: Sequence[np.ndarray]
    """By part: (`PART`, H, W, 3) uint8, mapped from disk."""
    vectors: np.ndarray
    """(N, D) float32: those of the teachers side by side."""

    def __len__(self) -> int:
        return len(self.vectors)

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """Return views, (B, H, W, 3) uint8."""
        return np.stack([self.pictures[row // PART][row % PART] for row in rows.tolist()])

    def batch(self, rows: np.ndarray) -> Tensor:
        """Return views as a network takes them, (B, 3, H, W)."""
        pictures = self.pixels(rows)
        mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
        return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


def make_views(
    folder: Path, parts: int, real: Sequence[Path], synthetic: Sequence[Path], teachers: Sequence[msinet.Predictor]
) -> Views:
    """Make views and let the teachers embed them, a file at a time; those that are there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [load_image(path) for path in real]
    bar = begin("views", parts)
    for part in range(parts):
        file = folder / f"{part:03}-vectors.npy"
        if not file.exists():
            views = np.stack(list(_views(np.random.default_rng([0, part]), pictures, synthetic)))
            vectors = [teacher.embed(views).vectors for teacher in teachers]
            together = (np.concatenate(vectors, axis=1) / np.sqrt(len(teachers))).astype(np.float16)
            small = np.stack([_smaller(view) for view in views])
            write_atomically(folder / f"{part:03}-pictures.npy", lambda opened, array=small: np.save(opened, array))
            write_atomically(file, lambda opened, array=together: np.save(opened, array))
        bar.advance()
    return Views(
        [np.load(folder / f"{part:03}-pictures.npy", mmap_mode="r") for part in range(parts)],
        np.concatenate([np.load(folder / f"{part:03}-vectors.npy") for part in range(parts)]).astype(np.float32),
    )


def _views(rng: np.random.Generator, real: Sequence[Image.Image], synthetic: Sequence[Path]) -> Iterator[np.ndarray]:
    """Yield views (H, W, 3) uint8: a third mixed of two pictures, a third put together of two halves."""

    def picture() -> Image.Image:
        if rng.random() >= SYNTHETIC or not synthetic:
            return real[rng.integers(len(real))]
        return load_image(synthetic[rng.integers(len(synthetic))])

    height, width = LARGE
    for _ in range(PART):
        view, kind = _cut(rng, picture()), rng.random()
        if kind < 0.3:
            share = rng.random()
            view = share * view + (1 - share) * _cut(rng, picture())
        elif kind < 0.6:
            other = _cut(rng, picture())
            if rng.random() < 0.5:
                across = int(rng.integers(width // 10, width * 9 // 10))
                view[:, across:] = other[:, across:]
            else:
                down = int(rng.integers(height // 10, height * 9 // 10))
                view[down:] = other[down:]
        yield view.clip(0, 255).astype(np.uint8)


def _smaller(view: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(view).resize(SIZE[::-1], Image.Resampling.BILINEAR))


def _cut(rng: np.random.Generator, picture: Image.Image) -> np.ndarray:
    """Return a part of a picture, perhaps mirrored, in other colours: (H, W, 3) float32."""
    area = rng.uniform(0.4, 1) if rng.random() < 0.7 else 1.0
    longer = np.exp(rng.uniform(-0.25, 0.25))
    wide, high = min(1.0, np.sqrt(area * longer)) * picture.width, min(1.0, np.sqrt(area / longer)) * picture.height
    left, top = rng.uniform(0, picture.width - wide), rng.uniform(0, picture.height - high)
    box = (left, top, left + wide, top + high)
    view = picture.resize(LARGE[::-1], Image.Resampling.BILINEAR, box=box)
    if rng.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        view = change(view).enhance(rng.uniform(0.75, 1.25))
    return np.asarray(view, np.float32)


def distil(network: Network, views: Views, mapped: np.ndarray, file: Path, passes: int, learning_rate: float) -> Network:
    """Teach a network the mapped vectors of views; stopped and called again, it goes on from its file.

    The loss is the cosine distance between a linear layer of the embedding and the teachers' mapped vector, and the squared
    difference between the cosines of all pairs of a batch in both spaces.

    Args:
        network: what is taught, and returned.
        views: the views.
        mapped: (N, D') float32, unit length: the teachers' vectors of the views.
        file: checkpoint.
        passes: number of passes over the views.
        learning_rate: its peak.
    """
    torch.manual_seed(0)
    targets, network.adaptation = torch.from_numpy(mapped), None
    imitation = nn.Linear(network.embedding_dim, mapped.shape[1])
    optimizer = torch.optim.AdamW([*network.parameters(), *imitation.parameters()], learning_rate, weight_decay=WEIGHT_DECAY)
    parts = {"network": network, "imitation": imitation, "optimizer": optimizer}
    done, a_pass = _resume(parts, file), len(views) // BATCH_SIZE
    steps = passes * a_pass
    bar = begin("distil", steps, done)
    network.train()
    for step in range(done, steps):
        number, batch = divmod(step, a_pass)
        order = np.random.default_rng([0, number]).permutation(len(views))
        rows = np.sort(order[batch * BATCH_SIZE : (batch + 1) * BATCH_SIZE])
        falls = 0.5 * (1 + math.cos(math.pi * (step + 1) / steps))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1, (step + 1) / WARMUP) * falls
        with torch.autocast("cpu", torch.bfloat16):
            embedding = network(views.batch(rows)).embedding
        loss = _loss(embedding.float(), imitation, targets[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        bar.advance(loss=loss.item())
        if (step + 1) % SAVED_EVERY == 0 or step + 1 == steps:
            state = {"step": step + 1, **{name: part.state_dict() for name, part in parts.items()}}
            write_atomically(file, lambda opened, state=state: torch.save(state, opened))
    return network.eval()


def follow(network: Network, views: Views, mapped: np.ndarray) -> Network:
    """Give a network the linear map that makes its cosines those of the teacher; the network is returned.

    Args:
        network: a network that learned from the teacher.
        views: the views, some of which are taken.
        mapped: (N, D') float32, unit length: the teacher's vectors of the views.
    """
    torch.manual_seed(0)
    taken = np.arange(0, len(views), max(1, len(views) // FOLLOWED))
    parts = np.array_split(taken, max(1, len(taken) // BATCH_SIZE))
    vectors = torch.from_numpy(np.concatenate([network.vectors(views.pixels(rows)) for rows in track(parts, "embed views")]))
    targets, mean = torch.from_numpy(mapped[taken]), vectors.mean(0).requires_grad_()
    matrix = torch.eye(vectors.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([mean, matrix], FOLLOWING_RATE)
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, FOLLOWING_STEPS)
    for _ in track(range(FOLLOWING_STEPS), "fit the map"):
        rows = torch.randint(len(vectors), (FOLLOWING_BATCH,))
        follows = F.normalize((vectors[rows] - mean) @ matrix)
        loss = (follows @ follows.T - targets[rows] @ targets[rows].T).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falls.step()
    # The positive root has the same cosines, and an adaptation can start from it.
    stretches, directions = np.linalg.eigh((matrix @ matrix.T).detach().double().numpy())
    stretches = np.sqrt(stretches.clip(min=stretches[-1] * 1e-6))
    network.adaptation = LinearMap(network.embedding_dim)
    network.adaptation.mean.copy_(mean.detach())
    network.adaptation.matrix.copy_(torch.from_numpy((directions * (stretches / stretches[-1])) @ directions.T))
    return network.eval()


def _resume(parts: dict, file: Path) -> int:
    """Load a checkpoint, where there is one, and return the number of its steps."""
    if not file.exists():
        return 0
    state = torch.load(file, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return state["step"]


def _loss(embedding: Tensor, imitation: nn.Linear, target: Tensor) -> Tensor:
    """Return the distance of vectors (B, D) to targets (B, D'), and of their cosines."""
    distance = 1 - F.cosine_similarity(imitation(embedding * SCALE), target).mean()
    relations = (embedding @ embedding.T - target @ target.T).square().fill_diagonal_(0)
    return distance + relations.sum() / (len(target) * (len(target) - 1))
