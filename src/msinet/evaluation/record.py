"""Record of a result: the data, the model, the settings, the machine and the command that made the scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from msinet.data.records import ReidSplits
from msinet.data.settings import DataSettings
from msinet.evaluation.settings import ScoringSettings


@dataclass(frozen=True)
class DataFacts:
    """The dataset that was scored."""

    name: str
    fingerprint: str
    """Short hash of file names, labels and splits."""
    train: int
    """Number of images; likewise below."""
    validation: int
    query: int
    gallery: int
    skipped: int
    pictures: str | None = None
    """Short hash of the content of all images; None where it was not known."""

    @classmethod
    def of(cls, splits: ReidSplits, pictures: str | None = None) -> "DataFacts":
        """Return the facts of a dataset; the hash of its images is given, where it is known."""
        sizes = {name: len(getattr(splits, name)) for name in ("train", "validation", "query", "gallery", "skipped")}
        return cls(splits.name, splits.fingerprint(), **sizes, pictures=pictures)


@dataclass(frozen=True)
class ModelFacts:
    """The network that made the embeddings."""

    kind: str
    """Kind of network, as in its card."""
    arguments: Mapping[str, Any]
    """What makes this network besides its weights, as in its card."""
    image_size: tuple[int, int]
    """(height, width) in pixels."""
    weights: str
    """Short hash of the weights."""


@dataclass(frozen=True)
class EmbeddingFacts:
    """Embeddings that were not made by a network here."""

    fingerprint: str
    """Short hash of the vectors."""
    dimensions: int


@dataclass(frozen=True)
class MachineFacts:
    """What the rounding of scores depends on."""

    device: str
    precision: str
    processor: str
    threads: int
    processes: int


@dataclass(frozen=True)
class RunCommand:
    """A command `msinet run`, whose other settings stand in the record."""

    data: Path
    reading: DataSettings
    """How the data is read."""
    protocol: str | None = None
    """Name of the protocol; None for the usual one of the data."""
    verb: Literal["run"] = "run"


@dataclass(frozen=True)
class EvaluateCommand:
    """A command `msinet evaluate` of a model, whose protocol, test size and scoring settings stand in the record."""

    data: Path
    reading: DataSettings
    """How the data is read."""
    model: Path
    """Folder of the model, the name of one that ships, or RUNTIME:FILE of a foreign one."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the machine's settings."""
    camera_pairs: bool = False
    draws: Path | None = None
    """File of drawn galleries."""
    verb: Literal["evaluate"] = "evaluate"


@dataclass(frozen=True)
class Record:
    """What made the scores of a result. Whatever was not known when the result was made is None."""

    protocol: str
    """Name of the rule that says which gallery images are junk."""
    task: str = ""
    """Name of the test size, where the dataset has several."""
    data: DataFacts | None = None
    model: ModelFacts | None = None
    embeddings: EmbeddingFacts | None = None
    """Embeddings that were scored in place of a model."""
    scoring: ScoringSettings | None = None
    """What was done with the embeddings before they were ranked; None for similarities made elsewhere."""
    machine: MachineFacts | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions by package."""
    command: RunCommand | EvaluateCommand | None = None
    """The command that repeats the result."""
    search: Mapping[str, Any] | None = None
    """Settings of the architecture search, as far as its result depends on them."""
    training: Mapping[str, Any] | None = None
    """Settings of the training, as far as its result depends on them."""
