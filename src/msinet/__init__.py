"""Search, train, prove and use light networks that recognise the same object again.

Shapes in docstrings: B images in a batch, N images in a dataset or positions of a map, D length of an embedding, C
channels, H x W height and width, I identities, L places where an interaction is chosen, P identities x K images a batch.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

__version__ = version("msinet")

if TYPE_CHECKING:
    from msinet.data.embeddings import Embeddings
    from msinet.data.readers.detect import load_splits
    from msinet.data.records import ImageRecord, ReidSplits
    from msinet.engine.embed import embed
    from msinet.engine.evaluate import evaluate
    from msinet.engine.search import search
    from msinet.engine.settings import SearchSettings, TrainSettings
    from msinet.engine.train import train
    from msinet.evaluation.metrics import RetrievalResult
    from msinet.evaluation.scoring import evaluate_embeddings, evaluate_similarities
    from msinet.evaluation.settings import ScoringSettings
    from msinet.model.architecture import Architecture
    from msinet.model.model_files import load_model
    from msinet.model.msinet import MSINet
    from msinet.model.published import load_published

_HOMES = {
    "Architecture": "msinet.model.architecture",
    "Embeddings": "msinet.data.embeddings",
    "ImageRecord": "msinet.data.records",
    "MSINet": "msinet.model.msinet",
    "ReidSplits": "msinet.data.records",
    "RetrievalResult": "msinet.evaluation.metrics",
    "ScoringSettings": "msinet.evaluation.settings",
    "SearchSettings": "msinet.engine.settings",
    "TrainSettings": "msinet.engine.settings",
    "embed": "msinet.engine.embed",
    "evaluate": "msinet.engine.evaluate",
    "evaluate_embeddings": "msinet.evaluation.scoring",
    "evaluate_similarities": "msinet.evaluation.scoring",
    "load_model": "msinet.model.model_files",
    "load_published": "msinet.model.published",
    "load_splits": "msinet.data.readers.detect",
    "search": "msinet.engine.search",
    "train": "msinet.engine.train",
}

__all__ = [
    "Architecture",
    "Embeddings",
    "ImageRecord",
    "MSINet",
    "ReidSplits",
    "RetrievalResult",
    "ScoringSettings",
    "SearchSettings",
    "TrainSettings",
    "embed",
    "evaluate",
    "evaluate_embeddings",
    "evaluate_similarities",
    "load_model",
    "load_published",
    "load_splits",
    "search",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: PyTorch alone takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'msinet' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
