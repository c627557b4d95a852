"""The files of a run that can be stopped: its checkpoint, the checkpoint before and its log."""

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from msinet.engine.run_data import MARKS, RunData
from msinet.errors import CheckpointError, FileError, listed
from msinet.files.lock import require_still_own
from msinet.files.os_errors import in_words
from msinet.files.tensor_files import load_arrays, save_arrays

FORMAT = 2
"""Format number of checkpoints; those without one are of version 0.1."""

ADDED = {"zoom": 0.0}
"""Settings that searches and trainings of earlier versions did not have, and the values under which they are today's."""

LEFT_SEARCH = {"contrast": "twins", "balanced": False, "choose_by": "alpha"}
"""Settings that searches of version 0.1 had, and the values under which they are today's searches."""

ADDED_SEARCH = {
    "space": "published",
    "trial_weights": "shared",
    "budget_macs": None,
    "budget_ms": None,
    "on": "torch",
    "init": None,
}
"""Settings that searches of earlier versions did not have, and the values under which they are today's searches."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]
    """Plain values: the step, the sums of the epoch under way, the seconds spent."""


class RunFolder:
    """The files of one search or training: `NAME.jsonl`, `NAME.checkpoint.safetensors` and the checkpoint before.

    Args:
        out: folder, created if needed.
        name: search or train.
        made_from: whatever fixes the result besides the data: settings, architecture.
        data: the data.
        checkpoint_minutes: minutes between two checkpoints.
        writes: False in all processes but the first.
    """

    def __init__(
        self,
        out: str | Path,
        name: str,
        made_from: Mapping[str, Any],
        data: RunData,
        checkpoint_minutes: float,
        writes: bool = True,
    ) -> None:
        self.out = Path(out)
        self.name = name
        self.checkpoint = self.out / f"{name}.checkpoint.safetensors"
        self.checkpoint_before = self.out / f"{name}.checkpoint-before.safetensors"
        self.log_file = self.out / f"{name}.jsonl"
        self.made_from = dict(made_from) | data.marks()
        self.data = data
        self.interval = checkpoint_minutes * 60
        self.saved_at = time.monotonic()
        self.writes = writes

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint, good or not."""
        return self.checkpoint.exists() or self.checkpoint_before.exists()

    def resume(self) -> Checkpoint | None:
        """Return the last good checkpoint, None where there is none, and keep the list of the pictures beside it.

        A damaged checkpoint is named in a warning, kept as `NAME.checkpoint.safetensors.damaged`, and the one before is
        taken.

        Raises:
            CheckpointError: no good checkpoint is left, or it was made with other settings or data.
            FileError: the folder cannot be written.
        """
        found = self._last_good()
        if self.writes:
            self.data.keep()
        self._forget_log_after(found.values["log_bytes"] if found else 0)
        return found

    def _last_good(self) -> Checkpoint | None:
        checkpoints = [path for path in (self.checkpoint, self.checkpoint_before) if path.exists()]
        for path in checkpoints:
            try:
                content = load_arrays(path)
            except FileError as error:
                if path == checkpoints[-1]:
                    raise CheckpointError(str(error)) from error
                logger.warning("%s: going on from the one before, %s", error, self.checkpoint_before)
                if self.writes:
                    with _written(path):
                        path.replace(path.with_name(path.name + ".damaged"))
                continue
            found = _checkpoint_of(path, *content)
            self._require_same_run(path, found.values["made_from"])
            return found
        return None

    def due(self) -> bool:
        """Return whether the last checkpoint is old enough for the next."""
        return time.monotonic() - self.saved_at >= self.interval

    def save(self, tensors: Mapping[str, Tensor], **values: Any) -> None:
        """Write the checkpoint, and keep the one before.

        Raises:
            FileError: it cannot be written.
            BusyError: another process has taken the folder over.
        """
        if self.writes:
            require_still_own(self.out)
            with _written(self.checkpoint):
                log_bytes = self.log_file.stat().st_size if self.log_file.exists() else 0
                if self.checkpoint.exists():
                    self.checkpoint.replace(self.checkpoint_before)
            arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
            about = {"format": FORMAT, "made_from": self.made_from, "log_bytes": log_bytes}
            save_arrays(self.checkpoint, arrays, values | about)
        self.saved_at = time.monotonic()

    def log(self, **values: Any) -> None:
        """Append a line of JSON to the log. Raises FileError where it cannot be written."""
        if self.writes:
            with _written(self.log_file), self.log_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")

    def _require_same_run(self, path: Path, before: dict[str, Any]) -> None:
        now = self.made_from
        names = [name for name in now | before if name not in MARKS and before.get(name) != now.get(name)]
        changed = [f"{name}: {before.get(name)} -> {now.get(name)}" for name in names]
        changed += [f"data: {words}" for words in self.data.changes_since(before)]
        if changed:
            old = f"{self.name}.checkpoint*.safetensors"
            raise CheckpointError(
                f"{path.absolute()} is of a run with other settings or data. Choose another folder for out, or delete "
                f"{old} in this one to {self.name} anew:{listed(changed)}",
                "out",
            )

    def _forget_log_after(self, size: int) -> None:
        """Drop what was logged after the checkpoint: it will be logged again."""
        if self.writes and self.log_file.exists():
            with _written(self.log_file):
                os.truncate(self.log_file, size)


@contextmanager
def _written(file: Path) -> Iterator[None]:
    """Raise a FileError in words where the system cannot write a file."""
    try:
        yield
    except OSError as error:
        raise FileError(f"cannot write {file}: {in_words(error, writing=True)}") from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, of this version or the one before.

    Raises:
        CheckpointError: it is missing, damaged, of a later version, or of a search that this version has no switch for.
    """
    try:
        return _checkpoint_of(path, *load_arrays(path))
    except FileError as error:
        raise CheckpointError(str(error)) from error


def _checkpoint_of(path: Path, arrays: Mapping[str, np.ndarray], values: dict[str, Any]) -> Checkpoint:
    """Return the checkpoint that a file holds. Raises what `load_checkpoint` does, but for damage."""
    if values.get("format", 1) not in (1, FORMAT):
        raise CheckpointError(f"{path} was written by a later version of msinet: install that version to go on")
    if "format" not in values:
        values["made_from"] = _without_left_settings(path, values["made_from"])
    if "erasing" in values["made_from"]:
        values["made_from"] = ADDED | values["made_from"]
    if "overlap" in values["made_from"]:
        values["made_from"] = ADDED_SEARCH | values["made_from"]
    return Checkpoint({name: torch.from_numpy(array) for name, array in arrays.items()}, values)


def _without_left_settings(path: Path, made_from: Mapping[str, Any]) -> dict[str, Any]:
    changed = [f"{name}: {made_from[name]}" for name, value in LEFT_SEARCH.items() if made_from.get(name, value) != value]
    if changed:
        raise CheckpointError(
            f"{path} is a search with {', '.join(changed)}, which msinet search no longer has: start it anew by "
            "msinet experiment search-worth, in another folder"
        )
    return {name: value for name, value in made_from.items() if name not in LEFT_SEARCH}


def module_tensors(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    """Return a module's state as named tensors: `prefix.name`."""
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def restore_module(module: nn.Module, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Give a module back what `module_tensors` took."""
    start = f"{prefix}."
    module.load_state_dict({name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)})


def optimizer_tensors(optimizer: Optimizer, prefix: str) -> dict[str, Tensor]:
    """Return an optimizer's state as named tensors: `prefix.parameter.quantity`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{prefix}.{parameter}.{quantity}": value if isinstance(value, Tensor) else torch.tensor(value)
        for parameter, quantities in state.items()
        for quantity, value in quantities.items()
        if value is not None
    }


def restore_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Give an optimizer back what `optimizer_tensors` took; its settings stay its own."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(f"{prefix}."):
            parameter, quantity = name.removeprefix(f"{prefix}.").split(".")
            state.setdefault(int(parameter), {})[quantity] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
