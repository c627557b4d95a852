"""The machine as one value: device, precision, processes, trackers. The only file that knows accelerate."""

import ctypes
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, gather_object
from torch import Tensor, nn

from msinet.engine.settings import MachineSettings, Tracker
from msinet.errors import SettingsError
from msinet.processor import maker
from msinet.sharing import share_of

AnyModule = TypeVar("AnyModule", bound=nn.Module)
Log = Callable[[Mapping[str, float], int], None]
"""Sends numbers by name, and the epoch that they belong to, to a tracker."""


class Machine:
    """Where a command computes, opened once: a device, a precision, and the processes that share the work.

    Several processes, on one computer or many, come from `accelerate launch` or `torchrun`.

    Args:
        settings: device, precision, workers and determinism.
        keeps_freed_memory: let the C library keep freed memory for the next step, on a CPU.

    Raises:
        SettingsError: there is no such device.
    """

    def __init__(self, settings: MachineSettings | None = None, keeps_freed_memory: bool = True) -> None:
        settings = settings or MachineSettings()
        on_cpu = not _choose_cuda(settings.device)
        torch.use_deterministic_algorithms(settings.deterministic)
        if settings.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic
        if on_cpu and keeps_freed_memory:
            keep_freed_memory()
        patience = InitProcessGroupKwargs(timeout=timedelta(hours=6))  # one process of a computer decodes, the others wait
        self._accelerator = Accelerator(cpu=on_cpu, kwargs_handlers=[patience])
        self.device: torch.device = self._accelerator.device
        self.precision = settings.precision if settings.precision != "auto" else faster_precision(self.device)
        self.workers = settings.workers
        # A GPU computes the next step while the losses of this one are read.
        self.steps_read_late = 1 if self.device.type == "cuda" else 0
        self.process: int = self._accelerator.process_index
        self.processes: int = self._accelerator.num_processes

    @property
    def is_first(self) -> bool:
        """Whether this is the first of all processes, the one that writes."""
        return self._accelerator.is_main_process

    @property
    def is_first_here(self) -> bool:
        """Whether this is the first process of its computer."""
        return self._accelerator.is_local_main_process

    def autocast(self) -> torch.autocast:
        """Return the context in which a network computes at the machine's precision.

        accelerate's own context is one for the whole process: training at fp32 could not be followed by scoring at bf16.
        """
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def place(self, network: AnyModule) -> AnyModule:
        """Move a network to the device, channels last in memory."""
        return network.to(self.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def wait(self) -> None:
        """Wait for all processes."""
        self._accelerator.wait_for_everyone()

    def share(self, count: int) -> slice:
        """Return this process's part of `count` things; joined in the order of the processes, the parts are all of them."""
        return share_of(count, self.process, self.processes)

    def gather(self, rows: Tensor) -> Tensor:
        """Return the rows of all processes, in their order, without gradient; processes may have different numbers."""
        rows = rows.detach()
        if self.processes == 1:
            return rows
        counts = cast(Tensor, self._accelerator.gather(torch.tensor([len(rows)], device=rows.device))).tolist()
        padded = torch.cat([rows, rows.new_zeros(max(counts) - len(rows), *rows.shape[1:])])
        parts = cast(Tensor, self._accelerator.gather(padded)).split(max(counts))
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    def gather_objects(self, objects: list[Any]) -> list[Any]:
        """Return the objects of all processes, in their order."""
        return gather_object(objects)

    def join_batch(self, rows: Tensor) -> Tensor:
        """Return the rows (B, ...) of all processes, in their order, this process's own with their gradient.

        The gradient is scaled by the number of processes: for a loss over all rows, the mean of the processes' gradients
        is the gradient.
        """
        if self.processes == 1:
            return rows
        together = self.gather(rows)
        start = self.process * len(rows)
        own = rows + (self.processes - 1) * (rows - rows.detach())
        return torch.cat([together[:start], own, together[start + len(rows) :]])

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of a tensor over all processes, without gradient: all decide by the same number."""
        return cast(Tensor, self._accelerator.reduce(value.detach(), "mean"))

    def any(self, condition: bool) -> bool:
        """Return whether a condition holds in any process."""
        if self.processes == 1:
            return condition
        return self.mean(torch.tensor(float(condition), device=self.device)).item() > 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every process's gradients by their mean over all processes."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if self.processes == 1:
            return
        together = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, mean in zip(gradients, together.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def share_statistics(self, network: nn.Module) -> None:
        """Give every process the batch statistics of the first, so that all embed alike."""
        if self.processes > 1:
            for buffer in network.buffers():
                torch.distributed.broadcast(buffer, 0)

    def synchronise_batch_norm(self, network: AnyModule) -> AnyModule:
        """Return the network with batch norms that take their statistics over all processes.

        Raises:
            SettingsError: the device is a CPU, for which PyTorch has no such batch norm.
        """
        if self.device.type != "cuda":
            raise SettingsError("sync_batch_norm needs GPUs: PyTorch has no such batch norm for the CPU", "sync_batch_norm")
        return cast(AnyModule, nn.SyncBatchNorm.convert_sync_batchnorm(network))

    @contextmanager
    def tracker(self, kind: Tracker | None, name: str, out: Path) -> Iterator[Log]:
        """Open a tracker for the curves of one loop, and close it at the end; None gives one that does nothing.

        Raises:
            SettingsError: the tracker is not installed, or cannot write to a folder whose name is not UTF-8.
        """
        if kind is None:
            yield lambda numbers, epoch: None
            return
        accelerator = Accelerator(cpu=self.device.type == "cpu", log_with=kind, project_dir=out)
        if not accelerator.log_with:
            raise SettingsError(f"tracker is {kind}, which is not installed: pip install {kind}", "tracker")
        try:
            accelerator.init_trackers(f"msinet-{name}")
        except UnicodeEncodeError as error:
            raise SettingsError(
                f"tracker is {kind}, which cannot write to {out}: its name is not UTF-8. Rename the folder, or leave "
                "tracker out, and the run goes on there",
                "tracker",
            ) from error
        try:
            yield lambda numbers, epoch: accelerator.log(dict(numbers), step=epoch)
        finally:
            # accelerate's end_training would also part the processes, which go on to train and score.
            for opened in accelerator.trackers if accelerator.is_main_process else ():
                opened.finish()

    def describe(self) -> dict[str, Any]:
        """Return what the rounding of results depends on."""
        cuda = self.device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(self.device) if cuda else "cpu",
            "precision": self.precision,
            "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
            "threads": torch.get_num_threads(),
            "processes": self.processes,
        }


def _choose_cuda(device: str) -> bool:
    """Return whether a CUDA device is to be used, and make it the current one."""
    if device not in ("auto", "cpu") and not device.startswith("cuda"):
        raise SettingsError(f"device is {device}: choose auto, cpu, cuda or cuda:N", "device")
    if device.startswith("cuda"):
        if not torch.cuda.is_available():
            raise SettingsError(f"device is {device}: this machine has no CUDA device that PyTorch can use", "device")
        try:
            if torch.device(device).index is not None:
                torch.cuda.set_device(torch.device(device))
        except (RuntimeError, ValueError) as error:
            raise SettingsError(f"device is {device}: {error}", "device") from error
    return device != "cpu" and torch.cuda.is_available()


def faster_precision(device: torch.device) -> str:
    """Return the precision that a device computes faster: fp32 or bf16."""
    if device.type == "cpu":
        return "bf16" if bf16_is_fast() else "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"


@cache
def bf16_is_fast() -> bool:
    """Return whether this processor multiplies bf16 faster than fp32: with tiles (AMX), or as AMD does it.

    Intel's AVX512-BF16 without tiles, as virtual machines often show it, has half the rate of fp32.
    """
    if torch.cpu._is_amx_tile_supported():
        return True
    return maker() == "AuthenticAMD" and torch.cpu._is_avx512_bf16_supported()


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next step, where it is glibc.

    Every step takes and frees the same gigabytes. By default glibc returns large pieces to the system at once, and the
    system fills each page with zeros when it is next touched: 5 % of the training time at half width, 15 % at full.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # another C library
        return
    m_trim_threshold, m_mmap_max = -1, -4  # names and numbers of malloc.h
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, -1)
