"""The training objective: named losses and their weighted sum (report, equations 5 to 8)."""

from collections.abc import Iterable

import torch
from torch import Tensor

from msinet.batches.loading import Batch
from msinet.engine.machine import Machine
from msinet.losses.alignment import alignment_loss
from msinet.losses.identity import identity_loss
from msinet.losses.triplet import triplet_loss
from msinet.model.msinet.spatial_alignment import PositionActivation
from msinet.model.network import Features
from msinet.training.settings import TrainSettings
from msinet.training.teachers import Teachers


class Objective:
    """Identity loss + triplet loss on each head and, if asked for, the alignment of the last maps.

    Args:
        settings: weights and options of the losses.
        machine: the processes in whose joint batch triplets and pairs are found.
        activation: the learned half of the alignment of positives; None without them.
        teachers: the teachers' vectors of all training images; None without them.
    """

    def __init__(
        self,
        settings: TrainSettings,
        machine: Machine,
        activation: PositionActivation | None = None,
        teachers: Teachers | None = None,
    ) -> None:
        self.settings, self.machine, self.activation, self.teachers = settings, machine, activation, teachers

    def __call__(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Return the losses by name; `loss` is their weighted sum."""
        settings, labels = self.settings, batch.identities
        everyone = self.machine.gather(labels)
        identity = sum_of(identity_loss(head.logits.float(), labels, settings.label_smoothing) for head in features.heads)
        triplet = sum_of(
            triplet_loss(self.machine.join_batch(head.feature), everyone, settings.triplet_margin) for head in features.heads
        )
        loss, losses = identity + settings.triplet_weight * triplet, {"identity": identity, "triplet": triplet}
        if settings.alignment != "none":
            losses["alignment"] = self._alignment(self.machine.join_batch(features.last), everyone)
            loss = loss + settings.alignment_weight * losses["alignment"]
        if self.teachers:
            embeddings = self.machine.join_batch(features.embedding.float())
            losses["teachers"] = self.teachers(embeddings, self.machine.gather(batch.positions))
            loss = loss + settings.teacher_weight * losses["teachers"]
        return {"loss": loss, **losses}

    def _alignment(self, maps: Tensor, labels: Tensor) -> Tensor:
        """Return the alignment loss of the last maps (B, C, h, w) of the whole batch."""
        settings = self.settings
        assert settings.alignment != "none"
        return alignment_loss(
            maps,
            labels,
            self.activation(maps) if self.activation else None,
            settings.alignment,
            unit_features=settings.alignment_unit_features,
            self_pairs=settings.alignment_as_published,
            transposed=settings.alignment_as_published,
        )


def sum_of(losses: Iterable[Tensor]) -> Tensor:
    """Add up losses."""
    return torch.stack(list(losses)).sum()
