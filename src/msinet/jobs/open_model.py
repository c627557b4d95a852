"""Opening a model by what names it: a network of PyTorch, or a predictor of one in a file."""

from pathlib import Path
from typing import TYPE_CHECKING

from msinet.data.embedder import Embedder
from msinet.deploy.predictor import Predictor
from msinet.errors import SettingsError
from msinet.extras import extras_named
from msinet.model.runtime_file import RuntimeFile

if TYPE_CHECKING:
    from msinet.model.network import Network


def open_model(name: str | Path, pixels: Path | None = None, streams: int = 0) -> "Network | Embedder":
    """Return a model, ready to embed.

    Args:
        name: a folder of msinet train or the name of a model that ships; or an exported file, or one of others, as
            `RuntimeFile.named` says.
        pixels: file that says what a network of others expects of its images; by default the one beside it.
        streams: parts of a batch that a file computes at the same time, see `Predictor`; 1 where each is waited for.

    Raises:
        SettingsError: pixels are given for a model that describes itself.
        ModelError: there is no such model, or it cannot be read.
        MissingExtraError: a package that it needs is not installed.
    """
    if RuntimeFile.named(name):
        return Predictor(name, pixels, streams=streams)
    if pixels:
        raise SettingsError(f"pixels is {pixels}, but {name} says itself what it expects: leave it out", "pixels")
    with extras_named():
        from msinet.model.model_files import load_model
    return load_model(name)
