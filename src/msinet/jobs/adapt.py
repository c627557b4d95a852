"""Adaptation of a model on disk to a dataset."""

from pathlib import Path

from msinet.engine.machine import Machine
from msinet.engine.settings import MachineSettings
from msinet.errors import DatasetError
from msinet.files.lock import sole_writer
from msinet.files.paths import user_path
from msinet.jobs.score import Source
from msinet.model.cards import Card
from msinet.model.model_files import load_model, save_model
from msinet.model.zoo import find_model
from msinet.training.adaptation import Adapted, adapt


def adapt_model(
    model: str | Path,
    source: Source,
    out: str | Path,
    settings: MachineSettings | None = None,
    shrinkage: float | None = None,
) -> Adapted:
    """Adapt a model to the training split of a dataset, and write the adapted model to `out`.

    Args:
        model: its folder, or the name of one that ships.
        source: the data; query and gallery are not looked at.
        out: folder of the adapted model.
        settings: device, precision and workers.
        shrinkage: as `adapt` takes it; by default it is chosen.

    Raises:
        ModelError: the model cannot be read.
        SettingsError: the shrinkage is not positive.
        DatasetError: there is no training split, or too few identities in it have several images.
        TrainingError: the map would not help; nothing is written.
    """
    out, machine, network = user_path(out), Machine(settings or MachineSettings()), load_model(model)
    card, records = Card.load(find_model(model)), source.splits.train
    if not records:
        raise DatasetError(f"{source.path} has no training split: an adaptation must not see query and gallery")
    adapted = adapt(network, records, machine, shrinkage=shrinkage)
    facts = {"data": source.splits.fingerprint(), **adapted.facts()}
    with sole_writer(out, machine.is_first):
        if machine.is_first:
            info = {**card.info, "adaptation": facts, "adapted_from": card.fingerprint}
            save_model(adapted.network, out, info, card.licence)
    return adapted
