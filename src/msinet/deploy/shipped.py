"""The exported file of a model that has none: one that ships, or a folder of training. It is made once, and kept."""

import hashlib
from pathlib import Path

from msinet.deploy.exported_facts import FORMAT
from msinet.errors import ModelError
from msinet.extras import extras_named
from msinet.files.caches import cache_folder
from msinet.model.cards import CARD, WEIGHTS, Card
from msinet.model.runtime_file import RuntimeFile
from msinet.model.zoo import find_model


def file_of_model(model: str | Path) -> RuntimeFile:
    """Return the ONNX file of a model, made where the cache has none.

    Raises:
        ModelError: there is no such model, or no folder for caches.
        MissingExtraError: the file has to be made, which needs PyTorch.
    """
    source, folder = find_model(model), cache_folder()
    card = Card.load(source)
    if folder is None:
        raise ModelError(f"{model} has to be exported, and there is no folder for caches: run msinet export --model {model}")
    file = RuntimeFile("onnx", folder / f"exported-{FORMAT}" / f"{_mark_of(source)}.onnx")
    if not file.path.is_file():
        with extras_named():
            from msinet.deploy.export import export_to
            from msinet.model.model_files import load_model
        export_to(load_model(model), card, file.path)
    return file


def _mark_of(folder: Path) -> str:
    """Return a short hash of a model's files: cards of version 0.1 have no fingerprint, and files may be exchanged."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.name in (CARD, WEIGHTS):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
