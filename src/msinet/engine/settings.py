"""Settings of the machine, and those that search and training share. Help texts and recipes are made from them."""

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from cyclopts import Parameter

from msinet.errors import SettingsError
from msinet.model.msinet.widths import channels_at
from msinet.panels import IMAGES, MACHINE, NETWORK, OPTIMIZER, OUTPUT, SCHEDULE

Precision = Literal["auto", "fp32", "bf16"]
Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["steps", "cosine"]
Tracker = Literal["tensorboard", "wandb", "mlflow"]

NOT_PART_OF_THE_RESULT = frozenset({"workers", "device", "checkpoint_minutes", "tracker", "image_cache"})
"""Settings that may change between a run and its continuation."""

DEVICE_HELP = "Device: auto, cpu, cuda or cuda:1."
PRECISION_HELP = "Precision of the network: fp32, bf16, or auto, which takes bf16 where the device computes it faster."
WORKERS_HELP = "Processes that load images; 0 loads them in the main process."
SEED_HELP = "Seed of the initial weights, the batches and the augmentation."
IMAGE_CACHE_HELP = (
    "Cache of decoded images in ~/.cache/msinet, where the disk has room; later epochs and runs need not decode them."
)
COMPILE_HELP = (
    "Compilation of the network (needs a C++ compiler). It takes minutes at the start and at each image size: for long runs."
)
SYNC_BATCH_NORM_HELP = "Batch statistics over all GPUs instead of over each GPU's share of a batch."
DETERMINISTIC_HELP = "Only algorithms that give the same result each time, on a GPU too; slower. A CPU always does this."


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MachineSettings:
    """Where and how fast a network computes; results change by rounding alone."""

    device: Annotated[str, MACHINE, Parameter(help=DEVICE_HELP)] = "auto"
    precision: Annotated[Precision, MACHINE, Parameter(help=PRECISION_HELP)] = "auto"
    workers: Annotated[int, MACHINE, Parameter(help=WORKERS_HELP)] = 0
    deterministic: Annotated[bool, MACHINE, Parameter(help=DETERMINISTIC_HELP)] = False

    def __post_init__(self) -> None:
        require(self, "workers", self.workers >= 0, "it cannot be negative")
        require_one_of(self, "precision", Precision)

    @property
    def machine(self) -> "MachineSettings":
        """The machine's settings alone, of settings that hold more."""
        return MachineSettings(**{field.name: getattr(self, field.name) for field in fields(MachineSettings)})


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LoopSettings(MachineSettings):
    """What search and training have in common. Defaults: the published settings for vehicles (`veri776.toml`)."""

    seed: Annotated[int, SCHEDULE, Parameter(help=SEED_HELP)] = 0
    image_height: Annotated[int, IMAGES] = 256
    """Height in pixels that images are resized to."""
    image_width: Annotated[int, IMAGES] = 256
    """Width in pixels that images are resized to."""
    small_epochs: Annotated[int, IMAGES] = 0
    """Number of initial epochs at 2/3 of the image size, which are cheaper."""
    width: Annotated[float, NETWORK] = 1.0
    """Width of the network: a multiple of the published channels, in steps of 1/32 from 0.125 to 1."""

    epochs: Annotated[int, SCHEDULE] = 350
    """Passes over the training images; in a search, over those that train the weights."""
    identities_per_batch: Annotated[int, SCHEDULE] = 16
    """Identities in a batch (P)."""
    images_per_identity: Annotated[int, SCHEDULE] = 4
    """Images of each identity in a batch (K); an identity with fewer repeats them."""

    optimizer: Annotated[Optimizer, OPTIMIZER] = "sgd"
    """Optimizer of the weights. sgd: momentum 0.9, as published. adamw: learns more in few epochs; it does not decay biases
    and batch norms."""
    learning_rate: Annotated[float, OPTIMIZER] = 0.065
    """Peak learning rate of the weights."""
    weight_decay: Annotated[float, OPTIMIZER] = 5e-4
    """Weight decay of the weights."""
    schedule: Annotated[Schedule, SCHEDULE] = "steps"
    """Learning rate over the epochs. steps: a tenth at each milestone. cosine: falls smoothly to zero."""
    milestones: Annotated[tuple[int, ...], SCHEDULE] = (150, 225, 300)
    """Epochs at which the schedule steps divides the learning rate by ten."""
    warmup_epochs: Annotated[float, SCHEDULE] = 10
    """Epochs in which the learning rate rises linearly from a hundredth to its peak."""

    padding: Annotated[float, IMAGES] = 10 / 256
    """Largest shift of a random crop, as a share of the height."""
    zoom: Annotated[float, IMAGES] = 0.0
    """Strength of random zoom: each side of what is seen of an image is up to exp(zoom) times longer or shorter. For cameras
    and detectors that frame objects unlike those of the training images, such as 0.3; 0 for none."""
    color_jitter: Annotated[float, IMAGES] = 0.0
    """Strength of random brightness and contrast, and three quarters of it for saturation; 0 for none."""
    erasing: Annotated[float, IMAGES] = 0.5
    """Probability that a random rectangle of an image is filled with the mean colour."""

    image_cache: Annotated[bool, MACHINE, Parameter(help=IMAGE_CACHE_HELP)] = True
    validation_share: Annotated[float, SCHEDULE] = 0.0
    """Share of the training identities that is held out for choices. Training keeps the weights of the epoch that scores
    best on them; the search does not see them, so that architectures can be compared on them."""
    compile: Annotated[bool, MACHINE, Parameter(help=COMPILE_HELP)] = False
    sync_batch_norm: Annotated[bool, MACHINE, Parameter(help=SYNC_BATCH_NORM_HELP)] = False
    checkpoint_minutes: Annotated[float, OUTPUT] = 2.0
    """Minutes between checkpoints; Ctrl-C writes one as well."""
    tracker: Annotated[Tracker | None, OUTPUT] = None
    """Tracker that the curves are sent to, beside the log in JSON lines."""

    def __post_init__(self) -> None:
        super().__post_init__()
        channels_at(self.width)
        for name in ("image_height", "image_width"):
            require(self, name, getattr(self, name) >= 32, "images need at least 32 pixels a side")
        require(self, "epochs", self.epochs >= 1, "it must be at least 1")
        require(
            self, "identities_per_batch", self.identities_per_batch >= 2, "it must be at least 2: losses compare identities"
        )
        require(self, "images_per_identity", self.images_per_identity >= 1, "it must be at least 1")
        require_one_of(self, "optimizer", Optimizer)
        require_one_of(self, "schedule", Schedule)
        require(self, "learning_rate", 0 < self.learning_rate < math.inf, "it must be positive")
        for name in ("weight_decay", "warmup_epochs", "seed", "small_epochs"):
            require(self, name, 0 <= getattr(self, name) < math.inf, "it cannot be negative, and must be finite")
        require(self, "validation_share", 0 <= self.validation_share < 1, "a share lies from 0 up to, not including, 1")
        require(self, "erasing", 0 <= self.erasing <= 1, "a probability lies from 0 to 1")
        require(self, "color_jitter", 0 <= self.color_jitter < 1, "it lies from 0 up to, not including, 1")
        require(self, "zoom", 0 <= self.zoom <= 1, "it lies from 0 to 1")
        require(self, "padding", 0 <= self.padding < 0.5, "it lies from 0 up to, not including, 0.5 of the height")

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image_height, self.image_width

    @property
    def small_image_size(self) -> tuple[int, int]:
        """(height, width) in pixels of the first `small_epochs`."""
        return max(32, round(self.image_height * 2 / 3)), max(32, round(self.image_width * 2 / 3))

    @property
    def batch_size(self) -> int:
        """Images in a batch: P x K."""
        return self.identities_per_batch * self.images_per_identity


def require(settings: object, name: str, condition: bool, rule: str) -> None:
    """Raise a SettingsError that names a field, its value and the rule, unless the condition holds."""
    if not condition:
        raise SettingsError(f"{name} is {getattr(settings, name)}: {rule}", name)


def require_one_of(settings: object, name: str, choices: Any) -> None:
    """Raise a SettingsError unless a field's value is one of a Literal's."""
    require(settings, name, getattr(settings, name) in get_args(choices), f"choose one of {', '.join(get_args(choices))}")


def settings_dict(settings: MachineSettings) -> dict[str, Any]:
    """Return the settings that the result depends on, as plain values for JSON."""
    return {
        name: [str(one) if isinstance(one, Path) else one for one in value] if isinstance(value, tuple) else value
        for name, value in asdict(settings).items()
        if name not in NOT_PART_OF_THE_RESULT
    }
