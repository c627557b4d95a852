"""Embedding by a network of PyTorch."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import normalize

from msinet.batches.augmentation import Augmentation
from msinet.batches.loading import Batches, Draw, RecordImages, embedding_batches
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.engine.machine import Machine
from msinet.model.network import Network
from msinet.progress import track

BATCH_SIZE = 64


def embed_by_network(
    network: Network, images: Sequence[ImageRecord], machine: Machine | None = None, flip: bool = False
) -> Embeddings:
    """Embed the images of records. Arguments, result and errors as `embed`; several processes share the work."""
    machine = machine or Machine()
    once = list({image.path: image for image in images}.values())
    own = once[machine.share(len(once))]
    pixels = RecordImages(own, network.image_size)
    batches = embedding_batches(pixels, BATCH_SIZE, machine.device, machine.workers)
    return Embeddings(_vectors(network, batches, machine, flip), once).of(images)


def embed_views(
    network: Network,
    images: Sequence[ImageRecord],
    augmentation: Augmentation,
    views: int,
    seed: int = 0,
    machine: Machine | None = None,
) -> Embeddings:
    """Embed augmented views of the images of N records: (views * N, D), all images in their order, and so again.

    Errors as `embed`; several processes share the work, and the views are the same for any number of them.
    """
    machine = machine or Machine()
    draws = [Draw(record, view, record, 0) for view in range(views) for record in range(len(images))]
    own = draws[machine.share(len(draws))]
    parts = [own[i : i + BATCH_SIZE] for i in range(0, len(own), BATCH_SIZE)]
    pixels = RecordImages(images, network.image_size, (seed,))
    batches = Batches(pixels, parts, augmentation, machine.device, machine.workers)
    return Embeddings(_vectors(network, batches, machine), [*images] * views)


def _vectors(network: Network, batches: Batches, machine: Machine, flip: bool = False) -> np.ndarray:
    """Return the vectors of the batches of all processes."""
    was_training = network.training
    machine.place(network).eval()
    vectors = [torch.empty(0, network.embedding_dim, device=machine.device)]
    with torch.inference_mode():
        for batch in track(batches, "embed"):
            with machine.autocast():
                vector = network.embed(batch.images).float()
                if flip:
                    vector = normalize(vector + network.embed(batch.images.flip(3)).float())
            vectors.append(vector)
    network.train(was_training)
    return machine.gather(torch.cat(vectors)).cpu().numpy()
