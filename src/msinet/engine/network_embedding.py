"""Embedding by a network of PyTorch."""

from collections.abc import Sequence

import torch
from torch.nn.functional import normalize

from msinet.batches.loading import RecordImages, embedding_batches
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
    together = machine.gather(torch.cat(vectors)).cpu().numpy()
    return Embeddings(together, once).of(images)
