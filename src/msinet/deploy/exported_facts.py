"""What an export writes into its file about the network: the card, the precision and the outputs. Imports no torch."""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from msinet.errors import ModelError
from msinet.model.cards import Card
from msinet.model.runtime_file import RuntimeFile

FORMAT = 1
"""Format number of these facts."""


@dataclass(frozen=True)
class ExportedFacts:
    """Facts of an exported network. Its input is (B, H, W, 3) uint8, RGB; its first output vectors (B, D) of unit length."""

    card: Card
    precision: str
    """fp32, fp16, bf16 or int8."""
    embedding_dim: int
    """D."""

    def to_json(self) -> str:
        """Return the facts as JSON, on one line."""
        facts = {"format": FORMAT, "version": version("msinet"), "precision": self.precision}
        return json.dumps({**facts, "embedding_dim": self.embedding_dim, "card": asdict(self.card)})

    @classmethod
    def of(cls, metadata: str, file: RuntimeFile) -> "ExportedFacts | None":
        """Return the facts in a file's metadata; None for files of others, which have none.

        Raises:
            ModelError: they are damaged or of a later version.
        """
        if not metadata:
            return None
        try:
            values: dict[str, Any] = json.loads(metadata)
            if values["format"] > FORMAT:
                raise ModelError(f"{file} was exported by msinet {values['version']}: install that version to read it")
            return cls(Card.of(values["card"]), values["precision"], int(values["embedding_dim"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{file} does not say what it is of ({error!r}): export it again") from error
