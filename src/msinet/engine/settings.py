"""Every setting, explained once: the command line, its help and the recipe files are made from these. Imports no torch."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from cyclopts import Parameter

from msinet.errors import SettingsError
from msinet.model.architecture import channels_at

Precision = Literal["auto", "fp32", "bf16"]
Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["steps", "cosine"]
Alignment = Literal["none", "positive", "negative", "both"]
Tracker = Literal["tensorboard", "wandb", "mlflow"]
Contrast = Literal["twins", "shared", "classifiers"]
ChooseBy = Literal["alpha", "removal"]

NOT_PART_OF_THE_RESULT = frozenset({"workers", "device", "checkpoint_minutes", "tracker", "image_cache"})
"""Settings that may change between a run and its continuation."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MachineSettings:
    """Where and how fast; changes what is computed by rounding alone."""

    device: str = "auto"
    """auto, cpu, cuda or cuda:1."""
    precision: Precision = "auto"
    """auto takes bf16 where the device computes it faster, and fp32 elsewhere."""
    workers: int = 0
    """Processes that load images; 0 loads them in the main process."""
    deterministic: bool = False
    """On a GPU, too, take only algorithms that give the same result each time; a CPU does so anyway. Slower."""

    @property
    def machine(self) -> "MachineSettings":
        """These settings alone, of whatever has more."""
        return MachineSettings(**{field.name: getattr(self, field.name) for field in fields(MachineSettings)})

    def __post_init__(self) -> None:
        require(self.workers >= 0, "--workers cannot be negative")
        require_one_of("precision", self.precision, Precision)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LoopSettings(MachineSettings):
    """What search and training have in common. Defaults: the published settings for vehicles."""

    seed: int = 0
    """Fixes the start of the weights, the batches and every augmentation."""
    image_height: int = 256
    """Height in pixels that images are resized to."""
    image_width: int = 256
    """Width in pixels that images are resized to."""
    small_epochs: int = 0
    """So many epochs at first see images of two thirds of the size: they learn the coarse cheaply."""
    width: float = 1.0
    """Width of the network: 0.25, 0.5, 0.75 or 1.0 times the published channels."""

    epochs: int = 350
    """Passes over the training images, in groups of K an identity; for the search, over those that train the weights."""
    identities_per_batch: int = 16
    """P: different identities in a batch."""
    images_per_identity: int = 4
    """K: images of each of them; an identity that has fewer repeats them."""

    optimizer: Optimizer = "sgd"
    """sgd: with momentum 0.9, as published. adamw: learns more in few epochs; without decay on biases and norms."""
    learning_rate: float = 0.065
    """Of the weights, at its highest."""
    weight_decay: float = 5e-4
    """Of the weights."""
    schedule: Schedule = "steps"
    """steps: a tenth at each milestone. cosine: falls smoothly to zero."""
    milestones: tuple[int, ...] = (150, 225, 300)
    """Epochs at which schedule `steps` takes a tenth of the learning rate."""
    warmup_epochs: float = 10
    """Epochs in which the learning rate rises to its full height, from a hundredth."""

    padding: float = 10 / 256
    """Random crops move by up to this share of the height."""
    color_jitter: float = 0.0
    """Strength of random brightness and contrast, and three quarters of it for saturation; 0 for none."""
    erasing: float = 0.5
    """Chance that a random rectangle of an image is filled with the mean colour."""

    image_cache: bool = True
    """Keep decoded images in ~/.cache/msinet, where the disk has room: later epochs and runs need not decode them."""
    validation_share: float = 0.0
    """Share of the training identities that is held out, to choose by: training keeps the best epoch's weights on them;
    the search leaves them alone, so that architectures can be compared on them."""
    compile: bool = False
    """Compile the network (needs a C++ compiler): costs minutes at the start and at each image size; for long runs."""
    sync_batch_norm: bool = False
    """With several GPUs: batch norms take their statistics over all of them, not each over its share of a batch."""
    checkpoint_minutes: float = 2.0
    """Minutes between checkpoints; Ctrl-C writes one as well."""
    tracker: Tracker | None = None
    """Besides the JSON lines, send the curves to this tracker."""

    def __post_init__(self) -> None:
        super().__post_init__()
        channels_at(self.width)
        require(min(self.image_height, self.image_width) >= 32, "images need at least 32 pixels a side")
        require(self.epochs >= 1, "--epochs must be at least 1")
        require(self.identities_per_batch >= 2, "--identities-per-batch must be at least 2: losses compare identities")
        require(self.images_per_identity >= 1, "--images-per-identity must be at least 1")
        require_one_of("optimizer", self.optimizer, Optimizer)
        require_one_of("schedule", self.schedule, Schedule)
        require(0 < self.learning_rate < math.inf, "--learning-rate must be positive")
        require(0 <= self.weight_decay < math.inf, "--weight-decay cannot be negative")
        require(0 <= self.warmup_epochs < math.inf, "--warmup-epochs cannot be negative")
        require(self.seed >= 0, "--seed cannot be negative")
        require(self.small_epochs >= 0, "--small-epochs cannot be negative")
        require(0 <= self.validation_share < 1, "--validation-share is a share from 0 up to, not including, 1")
        require(0 <= self.erasing <= 1, "--erasing is a chance from 0 to 1")
        require(0 <= self.color_jitter < 1, "--color-jitter is a strength from 0 up to, not including, 1")
        require(0 <= self.padding < 0.5, "--padding is a share of the height, below 0.5")

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image_height, self.image_width

    @property
    def small_image_size(self) -> tuple[int, int]:
        """(height, width) in pixels of the first `small_epochs`."""
        return max(32, round(self.image_height * 2 / 3)), max(32, round(self.image_width * 2 / 3))

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels after the stem and after each stage."""
        return channels_at(self.width)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SearchSettings(LoopSettings):
    """The search. Defaults: as published."""

    cells_per_stage: int = 2
    """Cells in each of the three stages."""
    interactions_per_cell: int = 2
    """Places in each cell where an interaction is chosen."""
    learning_rate: float = 0.025
    """Of the weights, at its highest."""
    alpha_learning_rate: float = 0.002
    """Of the alphas, trained by Adam with betas 0.5 and 0.999."""
    alpha_weight_decay: float = 1e-3
    """Of the alphas."""
    alpha_milestones: tuple[int, ...] = (150, 225, 350)
    """Epochs at which the alphas' learning rate falls to a tenth."""
    overlap: float = 0.4
    """Share of the identities that train both weights and alphas, with different images; a third of the others
    trains the weights alone, the rest the alphas alone."""
    temperature: float = 0.05
    """tau of equation 2."""
    memory_keep: float = 0.2
    """beta of equation 3: the share of a centroid that an update keeps."""
    contrast: Contrast = "twins"
    """twins: a memory of centroids for each side, as published. shared: one for both, and every identity on both sides
    with its images halved; without --overlap. classifiers: on the twins' split, softmax classifiers that learn."""
    balanced: bool = False
    """Let all four operations start on equal terms: gates open instead of half shut, attention at half its strength
    instead of at none. The cell is the same, and training starts as ever."""
    alpha_start_epoch: int = 0
    """Epochs in which the weights learn alone; the alphas' memory follows them."""
    mixture_temperature: float = 1.0
    """T of softmax(alpha / T) at the end; it falls geometrically from 1, so that the mixture becomes a choice."""
    choose_by: ChooseBy = "alpha"
    """What a place keeps at the end. alpha: the largest alpha. removal: whose removal from the mixture costs the alphas'
    loss most, place by place (Wang et al., Rethinking Architecture Selection in Differentiable NAS, 2021)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.alpha_learning_rate < math.inf, "--alpha-learning-rate must be positive")
        require(0 <= self.alpha_weight_decay < math.inf, "--alpha-weight-decay cannot be negative")
        require(0 <= self.overlap <= 1, "--overlap is a share from 0 to 1")
        require(self.temperature > 0, "--temperature must be positive")
        require(0 <= self.memory_keep < 1, "--memory-keep is a share from 0 up to, not including, 1")
        require(min(self.cells_per_stage, self.interactions_per_cell) >= 1, "a stage needs a cell, a cell an interaction")
        require_one_of("contrast", self.contrast, Contrast)
        require_one_of("choose-by", self.choose_by, ChooseBy)
        require(0 <= self.alpha_start_epoch < self.epochs, "--alpha-start-epoch lies from 0 up to, not including, --epochs")
        require(0 < self.mixture_temperature <= 1, "--mixture-temperature is above 0 and at most 1")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TrainSettings(LoopSettings):
    """Training a chosen architecture. Defaults: as published."""

    label_smoothing: float = 0.1
    """Of the identity loss."""
    triplet_margin: float = 0.3
    """How much farther the hardest negative has to be than the hardest positive."""
    triplet_weight: float = 1.0
    """Of the triplet loss beside the identity loss."""
    alignment: Alignment = "none"
    """Spatial alignment, for training only: an identity's images shall react to each other at the same positions
    (positive), images of other identities alike (negative), or both."""
    alignment_weight: float = 2.0
    """Of the alignment loss beside the identity loss."""
    alignment_unit_features: bool = False
    """Compare positions by the cosine of their features; without it, as published, bright positions weigh more."""
    alignment_as_published: bool = False
    """Keep the positions of the other image, and count an image as its own pair: for weights trained so."""
    ema_decay: float = 0.0
    """Of an exponential moving average of the weights, which then is the result; 0 for none."""
    validate_every: int = 10
    """Epochs between scorings of the validation split, where there is one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.triplet_margin < math.inf, "--triplet-margin cannot be negative")
        require(0 <= self.triplet_weight < math.inf, "--triplet-weight cannot be negative")
        require_one_of("alignment", self.alignment, Alignment)
        require(0 <= self.alignment_weight < math.inf, "--alignment-weight cannot be negative")
        require(0 <= self.label_smoothing < 1, "--label-smoothing is a share from 0 up to, not including, 1")
        require(0 <= self.ema_decay < 1, "--ema-decay is a share from 0 up to, not including, 1")
        require(self.validate_every >= 1, "--validate-every must be at least 1")


def require(condition: bool, message: str) -> None:
    """Raise a SettingsError with this message unless the condition holds."""
    if not condition:
        raise SettingsError(message)


def require_one_of(option: str, value: str, choices: Any) -> None:
    """Raise a SettingsError unless the value is one of a Literal's."""
    require(value in get_args(choices), f"--{option} is one of {', '.join(get_args(choices))}, not {value}")


def settings_dict(settings: MachineSettings) -> dict[str, Any]:
    """Return the settings that the result hangs on, as plain values for JSON."""
    values = asdict(settings)
    return {
        field.name: list(value) if isinstance(value := values[field.name], tuple) else value
        for field in fields(settings)
        if field.name not in NOT_PART_OF_THE_RESULT
    }
