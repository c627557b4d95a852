"""Embedding: images of records to vectors, by a network of PyTorch or by one in a file. Imports no torch by itself."""

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from msinet.data.embedder import Embedder
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.engine.alone import Alone
from msinet.files.paths import user_path

if TYPE_CHECKING:
    from msinet.engine.machine import Machine
    from msinet.model.network import Network


def embed(
    network: "Network | Embedder",
    records: Sequence[ImageRecord | str | PathLike[str]],
    machine: "Machine | Alone | None" = None,
    flip: bool = False,
) -> Embeddings:
    """Embed the images of records: (N, D), unit length, in the records' order; D is 768 at the published width.

    Several records of one file cost one pass through the network. Several processes share the work of a network, and each
    gets all embeddings.

    Args:
        network: any network, or a predictor.
        records: N records, or paths of images that nobody labelled.
        machine: by default a GPU, where there is one, and one process; a predictor does not look at it, and a network needs
            a `Machine`.
        flip: take the mean of the embeddings of each image and its mirror image, scaled to unit length.

    Raises:
        DatasetError: an image cannot be read.
    """
    images = [record if isinstance(record, ImageRecord) else ImageRecord(user_path(record)) for record in records]
    if isinstance(network, Embedder):
        return network.embed_records(images, flip)
    from msinet.engine.network_embedding import embed_by_network

    if isinstance(machine, Alone):
        raise TypeError("a network of PyTorch needs a Machine, or none: Alone is for predictors")
    return embed_by_network(network, images, machine, flip)
