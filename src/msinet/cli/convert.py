"""The verb `convert`."""

from pathlib import Path
from typing import Annotated

from msinet.cli.options import Out
from msinet.cli.terminal import say
from msinet.errors import SettingsError
from msinet.panels import DATA, IMAGES, NETWORK


def convert(
    file: Annotated[Path, DATA],
    *,
    out: Out,
    architecture: Annotated[str, NETWORK] = "msmt17",
    height: Annotated[int | None, IMAGES] = None,
    width: Annotated[int | None, IMAGES] = None,
) -> None:
    """Convert a checkpoint of the published implementation to a model.

    Args:
        file: Checkpoint of the published implementation.
        out: Folder for model.safetensors and model.json.
        architecture: Architecture of the weights: a name or a file.
        height: Height in pixels of the images that the weights were trained on; by default 256.
        width: Width in pixels of the images that the weights were trained on; by default 128 for msmt17, else 256.
    """
    from msinet.model.model_files import save_model
    from msinet.model.msinet.published import read_published

    if (height is None) != (width is None):
        raise SettingsError("give both height and width, or neither", "height", "width")
    size = (height, width) if height and width else None
    published = read_published(file, architecture, size)
    save_model(published.network, out, {"converted_from": file.name, "left_out": published.left_out})
    for name in published.left_out:
        say(f"left out: {name}")
    say(f"Written to {out}: model.safetensors, model.json")
