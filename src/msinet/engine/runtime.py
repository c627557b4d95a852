"""What every loop needs of the machine: a device, a precision, other processes, a way to stop."""

import ctypes
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar, cast

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs
from torch import Tensor, nn

from msinet.data.records import ImageRecord
from msinet.engine.settings import LoopSettings, MachineSettings
from msinet.errors import SettingsError, TrainingError

Network = TypeVar("Network", bound=nn.Module)


class Progress(Protocol):
    """Where long work tells how far it is."""

    def start(self, what: str, total: int, done: int = 0) -> None:
        """Begin a piece of work of so many steps, some of them done before."""
        ...

    def advance(self, **values: float) -> None:
        """One more step is done; values such as the loss are worth showing."""
        ...


class Silence:
    """The progress of those who do not look."""

    def start(self, what: str, total: int, done: int = 0) -> None:
        """Say nothing."""

    def advance(self, **values: float) -> None:
        """Say nothing."""


def make_accelerator(settings: MachineSettings, out: str | Path | None = None, name: str = "") -> Accelerator:
    """Return accelerate's view of the device and the other processes; with `out`, its tracker of what is called `name`."""
    if settings.device.startswith("cuda"):
        if not torch.cuda.is_available():
            raise SettingsError(f"--device {settings.device}: this machine has no CUDA device that PyTorch can use")
        try:
            if torch.device(settings.device).index is not None:
                torch.cuda.set_device(torch.device(settings.device))
        except (RuntimeError, ValueError) as error:
            raise SettingsError(f"--device {settings.device}: {error}") from error
    elif settings.device not in ("auto", "cpu"):
        raise SettingsError(f"--device {settings.device} is none of auto, cpu, cuda, cuda:N")
    torch.use_deterministic_algorithms(settings.deterministic)
    if settings.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic
    on_cpu = settings.device == "cpu" or not torch.cuda.is_available()
    tracker = getattr(settings, "tracker", None) if out else None
    if on_cpu:
        keep_freed_memory()
    patience = InitProcessGroupKwargs(timeout=timedelta(hours=6))  # one process of a machine decodes, the others wait
    accelerator = Accelerator(cpu=on_cpu, log_with=tracker, project_dir=out, kwargs_handlers=[patience])
    if tracker and not accelerator.log_with:
        raise SettingsError(f"--tracker {tracker}: it is not installed; pip install {tracker}")
    if tracker:
        accelerator.init_trackers(f"msinet-{name}")
    return accelerator


def finish_trackers(accelerator: Accelerator) -> None:
    """Close the trackers. accelerate's `end_training` would also part the processes, which go on to train and score."""
    if accelerator.is_main_process:
        for tracker in accelerator.trackers:
            tracker.finish()


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next step, where it is glibc.

    Every step takes and frees the same gigabytes. Left to itself glibc gives large pieces back to the system at once, and
    the system fills each page with zeros when it is next touched: 5 % of a training's time at half width, 15 % at full.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # another C library
        return
    m_trim_threshold, m_mmap_max = -1, -4  # names and numbers of malloc.h
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, -1)


def autocast(settings: MachineSettings, device: torch.device) -> torch.autocast:
    """Return the context in which a network computes at the settings' precision.

    accelerate's own is one for the whole process: a training at fp32 could not be followed by scoring at bf16.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision_on(settings, device) == "bf16")


def precision_on(settings: MachineSettings, device: torch.device) -> str:
    """Return fp32 or bf16: what is asked for, or for `auto` what the device computes faster."""
    if settings.precision != "auto":
        return settings.precision
    if device.type == "cpu":
        return "bf16" if bf16_is_fast() else "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"


@cache
def bf16_is_fast() -> bool:
    """Whether this processor multiplies bf16 faster than fp32: with tiles (AMX), or as AMD does it.

    Intel's AVX512-BF16 without tiles, as virtual machines often show it, has half the rate of fp32.
    """
    if torch.cpu._is_amx_tile_supported():
        return True
    information = Path("/proc/cpuinfo")
    by_amd = information.exists() and "AuthenticAMD" in information.read_text()
    return by_amd and torch.cpu._is_avx512_bf16_supported()


def own_share(count: int, accelerator: Accelerator) -> slice:
    """Return this process' part of so many things; joined in the order of the processes, the parts are all of them."""
    return share_of(count, accelerator.process_index, accelerator.num_processes)


def share_of(count: int, which: int, shares: int) -> slice:
    """Return the part of so many things that is number `which`, from 0, of so many shares of nearly equal size."""
    return slice(count * which // shares, count * (which + 1) // shares)


def gather_rows(accelerator: Accelerator, rows: Tensor) -> Tensor:
    """Return all processes' rows in the order of the processes, which may have different numbers of them; no gradient."""
    rows = rows.detach()
    if accelerator.num_processes == 1:
        return rows
    counts = cast(Tensor, accelerator.gather(torch.tensor([len(rows)], device=rows.device))).tolist()
    padded = torch.cat([rows, rows.new_zeros(max(counts) - len(rows), *rows.shape[1:])])
    parts = cast(Tensor, accelerator.gather(padded)).split(max(counts))
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])


def join_batch(accelerator: Accelerator, rows: Tensor) -> Tensor:
    """Return the rows (B, ...) of all processes, in their order, this process' own with their gradient.

    It is scaled by the number of processes: of a loss over all rows, the mean of the processes' gradients is the gradient.
    """
    if accelerator.num_processes == 1:
        return rows
    together = gather_rows(accelerator, rows)
    start = accelerator.process_index * len(rows)
    own = rows + (accelerator.num_processes - 1) * (rows - rows.detach())
    return torch.cat([together[:start], own, together[start + len(rows) :]])


def mean_of_processes(accelerator: Accelerator, value: Tensor) -> Tensor:
    """Return the mean of a tensor over all processes, without gradient: what all of them decide by."""
    return cast(Tensor, accelerator.reduce(value.detach(), "mean"))


def share_statistics(accelerator: Accelerator, network: nn.Module) -> None:
    """Give every process the first one's batch statistics, so that all embed alike."""
    if accelerator.num_processes > 1:
        for buffer in network.buffers():
            torch.distributed.broadcast(buffer, 0)


def synchronise_batch_norm(network: Network, accelerator: Accelerator) -> Network:
    """Return the network with batch norms that take their statistics over all processes."""
    if accelerator.device.type != "cuda":
        raise SettingsError("--sync-batch-norm needs GPUs: PyTorch has no such batch norm for the CPU")
    return cast(Network, nn.SyncBatchNorm.convert_sync_batchnorm(network))


def average_gradients(accelerator: Accelerator, parameters: Iterable[nn.Parameter]) -> None:
    """Make every process's gradients the mean over all processes."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if accelerator.num_processes == 1:
        return
    together = mean_of_processes(accelerator, torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient, mean in zip(gradients, together.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def not_finite(loss: float, records: Sequence[ImageRecord], step: int) -> TrainingError:
    """Return the error of a run whose loss is not finite; it names the batch's images."""
    paths = "\n  ".join(str(record.path) for record in records)
    return TrainingError(
        f"the loss is {loss} at step {step}: lower --learning-rate or lengthen --warmup-epochs, "
        f"and look at the images of this batch:\n  {paths}"
    )


@dataclass
class Stop:
    """Whether somebody asked the loop to stop after the step in hand."""

    requested: bool = False


@contextmanager
def stop_on_interrupt(accelerator: Accelerator) -> Iterator[Stop]:
    """Turn the first Ctrl-C (or SIGTERM) into a request to stop after the step in hand; a second one stops at once.

    Not so with several processes: one that leaves lets the others wait, and their launcher sends the signal again anyway.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, frame: object) -> None:
        if stop.requested and accelerator.num_processes == 1:
            raise KeyboardInterrupt
        stop.requested = True

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def learning_rate_factor(settings: LoopSettings, step: int, steps_per_epoch: int) -> float:
    """Return the share of the highest learning rate at a step: linear warm-up from 0.01, then steps or a cosine."""
    epoch = step / steps_per_epoch
    if epoch < settings.warmup_epochs:
        return 0.01 + 0.99 * epoch / settings.warmup_epochs
    if settings.schedule == "steps":
        return step_factor(settings.milestones, epoch)
    done = (epoch - settings.warmup_epochs) / max(settings.epochs - settings.warmup_epochs, 1e-9)
    return 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * done))))


def step_factor(milestones: Iterable[int], epoch: float) -> float:
    """Return a tenth for each milestone passed."""
    return 0.1 ** sum(epoch >= milestone for milestone in milestones)


def make_optimizer(settings: LoopSettings, network: nn.Module, but: Iterable[nn.Parameter] = ()) -> torch.optim.Optimizer:
    """Return the optimizer of a network's weights.

    SGD decays every parameter, as published; AdamW spares biases, batch norms and gamma, whose size means something.
    """
    left_out = {id(parameter) for parameter in but}
    parameters = [p for p in network.parameters() if p.requires_grad and id(p) not in left_out]
    # Not on the CPU: no faster there, and rounded by where a tensor lies in memory, which a restart changes.
    fused = parameters[0].is_cuda or None
    if settings.optimizer == "sgd":
        decay = settings.weight_decay
        return torch.optim.SGD(parameters, settings.learning_rate, momentum=0.9, weight_decay=decay, fused=fused)
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, settings.learning_rate, fused=fused)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameters."""
    for group in optimizer.param_groups:
        group["lr"] = rate
