"""A run that can be stopped: its checkpoint, its log, and going on exactly where it was."""

import json
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from msinet.data.records import ReidSplits
from msinet.engine.settings import LoopSettings, settings_dict
from msinet.errors import CheckpointError
from msinet.tensor_files import load_tensors, save_tensors

logger = logging.getLogger(__name__)


class RunFolder:
    """The files of one search or training: `NAME.jsonl`, `NAME.checkpoint.safetensors` and the checkpoint before.

    Args:
        out: folder, made if it is not there.
        name: search or train.
        settings: what the run is made with.
        splits: what it is made from.
        writes: False in all processes but one.
        more: whatever else fixes the result.
    """

    def __init__(
        self, out: str | Path, name: str, settings: LoopSettings, splits: ReidSplits, writes: bool = True, **more: Any
    ) -> None:
        self.out = Path(out)
        self.checkpoint = self.out / f"{name}.checkpoint.safetensors"
        self.checkpoint_before = self.out / f"{name}.checkpoint-before.safetensors"
        self.log_file = self.out / f"{name}.jsonl"
        self.made_from = settings_dict(settings) | {"data": splits.fingerprint()} | more
        self.interval = settings.checkpoint_minutes * 60
        self.saved_at = time.monotonic()
        self.writes = writes
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"cannot write to {self.out}: {error.strerror}; choose another --out") from error

    def resume(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the tensors and values of the last good checkpoint, None where there is none.

        A damaged checkpoint is named, set aside as `NAME.checkpoint.safetensors.damaged`, and the one before is taken.

        Raises:
            CheckpointError: there is no good checkpoint left, or it was made with other settings or data.
        """
        checkpoints = [path for path in (self.checkpoint, self.checkpoint_before) if path.exists()]
        for path in checkpoints:
            try:
                tensors, values = load_tensors(path)
            except CheckpointError as error:
                if path == checkpoints[-1]:
                    raise
                logger.warning("%s: going on from the one before, %s", error, self.checkpoint_before)
                if self.writes:
                    path.replace(path.with_name(path.name + ".damaged"))
                continue
            self._require_same_run(path, values["made_from"])
            self._forget_log_after(values["log_bytes"])
            return tensors, values
        self._forget_log_after(0)
        return None

    def due(self) -> bool:
        """Whether the last checkpoint is old enough for the next."""
        return time.monotonic() - self.saved_at >= self.interval

    def save(self, tensors: Mapping[str, Tensor], **values: Any) -> None:
        """Write the checkpoint, and keep the one before."""
        if self.writes:
            log_bytes = self.log_file.stat().st_size if self.log_file.exists() else 0
            if self.checkpoint.exists():
                self.checkpoint.replace(self.checkpoint_before)
            save_tensors(self.checkpoint, tensors, values | {"made_from": self.made_from, "log_bytes": log_bytes})
        self.saved_at = time.monotonic()

    def log(self, **values: Any) -> None:
        """Append a line of JSON to the log."""
        if self.writes:
            try:
                with self.log_file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(values) + "\n")
            except OSError as error:
                raise CheckpointError(f"cannot write {self.log_file}: {error}; free some space, then go on") from error

    def _require_same_run(self, path: Path, before: dict[str, Any]) -> None:
        now = self.made_from
        changed = [f"{key}: {before.get(key)} -> {now.get(key)}" for key in now | before if before.get(key) != now.get(key)]
        if changed:
            raise CheckpointError(
                f"{path} was made with something else ({'; '.join(changed)}): "
                "choose another --out, or delete it to start anew"
            )

    def _forget_log_after(self, size: int) -> None:
        """Drop what was logged after the checkpoint: it is about to be logged again."""
        if self.writes and self.log_file.exists():
            os.truncate(self.log_file, size)


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
