"""Embedding: images of records to vectors, by a network."""

from collections.abc import Sequence
from os import PathLike

import torch
from torch.nn.functional import normalize

from msinet.batches.loading import RecordImages, embedding_batches
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.engine.machine import Machine
from msinet.files.paths import user_path
from msinet.model.network import Network
from msinet.progress import track

BATCH_SIZE = 64


def embed(
    network: Network,
    records: Sequence[ImageRecord | str | PathLike[str]],
    machine: Machine | None = None,
    flip: bool = False,
) -> Embeddings:
    """Embed the images of records: (N, D), unit length, in the records' order; D is 768 at the published width.

    Several records of one file cost one pass through the network. Several processes share the work, and each gets all
    embeddings.

    Args:
        network: any network.
        records: N records, or paths of images that nobody labelled.
        machine: by default a GPU, where there is one, and one process.
        flip: take the mean of the embeddings of each image and its mirror image, scaled to unit length.

    Raises:
        DatasetError: an image cannot be read.
    """
    machine = machine or Machine()
    images = [record if isinstance(record, ImageRecord) else ImageRecord(user_path(record)) for record in records]
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
