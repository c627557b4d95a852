"""The verb `adapt`."""

from typing import Annotated

from msinet.cli.bars import bars
from msinet.cli.options import Data, Model, Out
from msinet.cli.reading import read
from msinet.cli.terminal import say
from msinet.data.settings import DataSettings
from msinet.engine.settings import MachineSettings
from msinet.panels import OPTIMIZER


def adapt(
    data: Data,
    *,
    model: Model,
    out: Out,
    shrinkage: Annotated[float | None, OPTIMIZER] = None,
    reading: DataSettings = DataSettings(),
    settings: MachineSettings = MachineSettings(),
) -> None:
    """Fit a linear map of a model's embeddings to labelled images, in seconds. The training split alone is used.

    Args:
        out: Folder for the adapted model: model.safetensors and model.json.
        shrinkage: How little the labels change: from 0.03, for many labels, to 100. By default cross-validation chooses it.
            A larger one keeps exports in bf16 and int8 nearer.
    """
    from msinet.jobs.adapt import adapt_model

    with bars():
        adapted = adapt_model(model, read(data, reading), out, settings, shrinkage)
    gain = f"mAP on identities that the map was not fitted to: {adapted.after:.1%}, {adapted.before:.1%} without it"
    if adapted.learned:
        gain = "The model has learned these images: compare both on others, which it has not"
    facts = f"{adapted.identities} identities, {adapted.images} images, shrinkage {adapted.shrinkage:g}"
    say(f"{gain} ({facts})")
    say(f"Written to {out}: model.safetensors, model.json")
