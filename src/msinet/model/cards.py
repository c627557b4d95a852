"""The card of a model, `model.json`: which network the weights are of, and what it expects of pixels. Imports no torch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from msinet.errors import ModelError
from msinet.files.atomic import write_atomically
from msinet.files.contents import not_usable, what_is
from msinet.files.os_errors import in_words
from msinet.files.sketch import Sketch
from msinet.normalisation import MEAN, STD

CARD = "model.json"
WEIGHTS = "model.safetensors"
PASS = "pass the folder that msinet train wrote, or a name that msinet models lists"

FORMAT = 2
"""Format number of the card; cards without one are of version 0.1."""


@dataclass(frozen=True)
class Pixels:
    """What a network expects of its images."""

    size: tuple[int, int]
    """(height, width) that images are resized to."""
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    resize: str = "bilinear, antialiased, on 8-bit RGB"


@dataclass(frozen=True)
class Card:
    """What is known about a network besides its weights."""

    kind: str
    """Kind of network: a name in `networks.NETWORKS`."""
    arguments: Mapping[str, Any]
    """What `Network.from_arguments` makes it of."""
    pixels: Pixels
    fingerprint: str = ""
    """Short hash of the weights."""
    licence: str = ""
    adapted: bool = False
    """Whether the weights hold a linear map of the embeddings, fitted to labelled images."""
    info: Mapping[str, Any] = field(default_factory=dict)
    """How it was made: settings, fingerprint of the training data, seconds; or the file that it was converted from."""
    learned: Sketch | None = None
    """Images that the weights or the map were fitted to, by their contents; None where they are not known."""

    def save(self, folder: Path) -> None:
        """Write the card into a model's folder."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2)
        write_atomically(folder / CARD, f"{text}\n".encode())

    @classmethod
    def load(cls, folder: Path) -> "Card":
        """Read the card in a model's folder, of this version or the one before.

        Raises:
            ModelError: there is no card, it cannot be read, or it is of a later version.
        """
        try:
            values = json.loads((folder / CARD).read_text(encoding="utf-8"))
            if values.get("format", 1) > FORMAT:
                raise ModelError(
                    f"{folder / CARD} was written by a later version of msinet: install that version to read it"
                )
            return cls.of(values) if "format" in values else cls._of_version_1(values)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ModelError(_no_model(folder)) from error
        except OSError as error:
            raise ModelError(f"cannot read {folder / CARD}: {in_words(error)}") from error
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ModelError(
                f"{folder / CARD} does not describe a network: it is {what_is(folder / CARD)} ({error})"
            ) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{folder / CARD} does not describe a network ({error!r}): {PASS}") from error

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Card":
        """Return the card of plain values, as `asdict` makes them.

        Raises:
            KeyError, TypeError, ValueError: they are others.
        """
        size, mean, std = (tuple(values["pixels"][name]) for name in ("size", "mean", "std"))
        pixels = Pixels(size, mean, std, values["pixels"]["resize"])
        plain = {name: values[name] for name in ("kind", "arguments", "fingerprint", "licence", "info")}
        learned = Sketch.of_plain(values["learned"]) if values.get("learned") else None
        return cls(pixels=pixels, adapted=values.get("adapted", False), learned=learned, **plain)

    @classmethod
    def _of_version_1(cls, values: Mapping[str, Any]) -> "Card":
        arguments = {name: values[name] for name in ("architecture", "identities", "channels", "image_size")}
        return cls("msinet", arguments, Pixels(tuple(values["image_size"])), info=values.get("info", {}))


def _no_model(folder: Path) -> str:
    """Return why there is no card where one was looked for, and what was probably meant."""
    if folder.is_file():
        if folder.name in (CARD, "model.safetensors"):
            return f"{folder} is one file of a model: pass its folder, {folder.parent}"
        return not_usable(folder, f"{PASS}, or make a model of a published checkpoint by msinet convert")
    if not folder.exists():
        return f"no model in {folder}: there is no such folder; {PASS}"
    if meant := sorted(card.parent for card in folder.glob(f"*/{CARD}")):
        return f"no model in {folder}: did you mean {' or '.join(map(str, meant[:3]))}?"
    if (folder / "train.checkpoint.safetensors").exists():
        return (
            f"no model in {folder} yet: its training has not ended; give the command of the training again, and it goes on"
        )
    if (architecture := folder / "architecture.json").exists():
        return f"no model in {folder}, only an architecture: train it by msinet train --architecture {architecture}"
    if published := sorted(file for file in folder.iterdir() if file.suffix in (".pth", ".pt", ".tar")):
        return f"no model in {folder}: make one by msinet convert {published[0]} --out DIR"
    return f"no model in {folder}: it holds no {CARD}; {PASS}"
