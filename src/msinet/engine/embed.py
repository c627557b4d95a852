"""Embedding: images of records to vectors, by a network."""

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


def embed(
    network: Network, records: Sequence[ImageRecord], machine: Machine | None = None, flip: bool = False
) -> Embeddings:
    """Embed the images of records: (N, D), unit length, in the records' order; D is 768 at the published width.

    Several records of one file cost one pass through the network. Several processes share the work, and each gets all
    embeddings.

    Args:
        network: any network.
        records: N records.
        machine: by default a GPU, where there is one, and one process.
        flip: take the mean of the embeddings of each image and its mirror image, scaled to unit length.

    Raises:
        DatasetError: an image cannot be read.
    """
    machine = machine or Machine()
    once = list({record.path: record for record in records}.values())
    own = once[machine.share(len(once))]
    images = RecordImages(own, network.image_size)
    batches = embedding_batches(images, BATCH_SIZE, machine.device, machine.workers)
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
    return Embeddings(together, once).of(records)
