"""Models by what names them: those that ship with the package, and folders. Imports no torch."""

from pathlib import Path

from msinet.errors import ModelError
from msinet.files.paths import user_path
from msinet.model.cards import CARD, PASS, Card
from msinet.model.runtime_file import RuntimeFile

ZOO = Path(__file__).with_name("weights")
"""Folder of the models, each in a folder of its name."""


def names() -> list[str]:
    """Return the names of the models that ship."""
    return sorted(card.parent.name for card in ZOO.glob(f"*/{CARD}"))


def cards() -> dict[str, Card]:
    """Return the cards of the models that ship, by name."""
    return {name: Card.load(ZOO / name) for name in names()}


def find_model(name_or_folder: str | Path) -> Path:
    """Return the folder of a model: of one that ships by its name or, where there is such a folder, of the user's.

    Raises:
        ModelError: it is a file that only embeds, or a word that names nothing.
    """
    if RuntimeFile.named(name_or_folder):
        raise ModelError(f"{name_or_folder} only embeds: it has no weights to train or adapt here; {PASS}")
    if is_name(name_or_folder):
        return ZOO / str(name_or_folder)
    folder = user_path(name_or_folder)
    if folder.name == str(name_or_folder) and not folder.exists():
        raise ModelError(
            f"no model in {folder}: there is no such folder, and no model of this name ships ({', '.join(names())}); {PASS}"
        )
    return folder


def is_name(name_or_folder: str | Path) -> bool:
    """Return whether a model that ships is meant, and not a folder of the user's with the same name."""
    return str(name_or_folder) in names() and not Path(name_or_folder).exists()


def absolute(name_or_folder: str | Path) -> Path:
    """Return what names the same model from any working directory: a name as it is, absolute paths for others."""
    if foreign := RuntimeFile.named(name_or_folder):
        return Path(str(foreign.absolute()))
    return Path(name_or_folder) if is_name(name_or_folder) else user_path(name_or_folder).resolve()
