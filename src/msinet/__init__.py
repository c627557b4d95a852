"""Search, train, prove and use small networks that recognise the same object again.

Shapes in docstrings: B images in a batch, N images in a dataset or positions of a map, D length of an embedding, C
channels, H x W height and width, I identities, L places where an interaction is chosen, P identities x K images a batch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from msinet.extras import extras_named
from msinet.waiting import wait_shortly

wait_shortly()

if TYPE_CHECKING:
    from msinet.architecture_search.conclusion import Searched
    from msinet.architecture_search.search import search
    from msinet.architecture_search.settings import SearchSettings
    from msinet.client import Client
    from msinet.data.embedder import Embedded
    from msinet.data.embeddings import Embeddings
    from msinet.data.readers.detect import load_splits
    from msinet.data.records import ImageRecord, ReidSplits
    from msinet.deploy.predictor import Predictor
    from msinet.engine.embed import embed
    from msinet.engine.evaluate import evaluate
    from msinet.engine.machine import Machine
    from msinet.engine.settings import MachineSettings
    from msinet.evaluation.result import RetrievalResult
    from msinet.evaluation.scoring import evaluate_embeddings, evaluate_similarities
    from msinet.evaluation.settings import ScoringSettings
    from msinet.gallery.gallery import Gallery
    from msinet.model.model_files import load_model, save_model
    from msinet.model.msinet.architecture import Architecture
    from msinet.model.msinet.network import MSINet
    from msinet.model.msinet.published import load_published
    from msinet.model.network import Network
    from msinet.training.adaptation import Adapted, adapt
    from msinet.training.settings import TrainSettings
    from msinet.training.train import Trained, train

_HOMES = {
    "Adapted": "msinet.training.adaptation",
    "Architecture": "msinet.model.msinet.architecture",
    "Client": "msinet.client",
    "Embedded": "msinet.data.embedder",
    "Embeddings": "msinet.data.embeddings",
    "Gallery": "msinet.gallery.gallery",
    "ImageRecord": "msinet.data.records",
    "MSINet": "msinet.model.msinet.network",
    "Machine": "msinet.engine.machine",
    "MachineSettings": "msinet.engine.settings",
    "Network": "msinet.model.network",
    "Predictor": "msinet.deploy.predictor",
    "ReidSplits": "msinet.data.records",
    "RetrievalResult": "msinet.evaluation.result",
    "ScoringSettings": "msinet.evaluation.settings",
    "SearchSettings": "msinet.architecture_search.settings",
    "Searched": "msinet.architecture_search.search",
    "TrainSettings": "msinet.training.settings",
    "Trained": "msinet.training.train",
    "adapt": "msinet.training.adaptation",
    "embed": "msinet.engine.embed",
    "evaluate": "msinet.engine.evaluate",
    "evaluate_embeddings": "msinet.evaluation.scoring",
    "evaluate_similarities": "msinet.evaluation.scoring",
    "load_model": "msinet.model.model_files",
    "load_published": "msinet.model.msinet.published",
    "load_splits": "msinet.data.readers.detect",
    "save_model": "msinet.model.model_files",
    "search": "msinet.architecture_search.search",
    "train": "msinet.training.train",
}
"""The public names, and where they live."""

__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __dir__() -> list[str]:
    """Return the public names, which completion offers."""
    return __all__


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: PyTorch alone takes seconds.

    Raises:
        MissingExtraError: the name needs a package that is not installed.
    """
    if name == "__version__":
        from importlib.metadata import version  # A fifth of the time that a predictor takes to load.

        return version("msinet")
    if name not in _HOMES:
        raise AttributeError(f"module 'msinet' has no attribute {name!r}")
    with extras_named():
        return getattr(import_module(_HOMES[name]), name)
