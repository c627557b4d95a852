"""Images -> embeddings."""

from collections.abc import Sequence

import torch
from accelerate import Accelerator
from torch.nn.functional import normalize

from msinet.data.batches import embedding_batches
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.engine.runtime import Progress, Silence, autocast, gather_rows, make_accelerator, own_share
from msinet.engine.settings import MachineSettings
from msinet.model.msinet import MSINet

BATCH_SIZE = 64


def embed(
    model: MSINet,
    records: Sequence[ImageRecord],
    settings: MachineSettings | None = None,
    progress: Progress | None = None,
    accelerator: Accelerator | None = None,
    flip: bool = False,
) -> Embeddings:
    """Embed the images of records: (N, 768) at the published width, unit length, in the records' order.

    Several records of one file cost one pass through the network. Several processes share the work, and all get all. With
    `flip` an embedding is the mean of those of the image and of its mirror image, scaled to unit length.
    """
    settings, progress = settings or MachineSettings(), progress or Silence()
    accelerator = accelerator or make_accelerator(settings)
    once = list({record.path: record for record in records}.values())
    own = once[own_share(len(once), accelerator)]
    loader = embedding_batches(own, model.image_size, BATCH_SIZE, accelerator.device, settings.workers)
    was_training = model.training
    model.eval().to(accelerator.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    progress.start("embed", len(loader))
    vectors = [torch.empty(0, model.embedding_dim, device=accelerator.device)]
    with torch.inference_mode():
        for batch in loader:
            with autocast(settings, accelerator.device):
                vector = model(batch.images).embedding.float()
                if flip:
                    vector = normalize(vector + model(batch.images.flip(3)).embedding.float())
            vectors.append(vector)
            progress.advance()
    model.train(was_training)
    rows = {record.path: row for row, record in enumerate(once)}
    together = gather_rows(accelerator, torch.cat(vectors)).cpu().numpy()
    return Embeddings(together[[rows[record.path] for record in records]], records)
