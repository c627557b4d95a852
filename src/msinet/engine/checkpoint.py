"""A run that can be stopped: its checkpoint, its log, and going on exactly where it was."""

import json
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


class RunFolder:
    """The files of one search or training: `NAME.checkpoint.safetensors` and `NAME.jsonl`.

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
        """Return the tensors and values of the checkpoint, None where there is none.

        Raises:
            CheckpointError: the checkpoint is damaged, or was made with other settings or data.
        """
        if not self.checkpoint.exists():
            self.log_file.unlink(missing_ok=True)
            return None
        tensors, values = load_tensors(self.checkpoint)
        before, now = values["made_from"], self.made_from
        changed = [f"{key}: {before.get(key)} -> {now.get(key)}" for key in now | before if before.get(key) != now.get(key)]
        if changed:
            raise CheckpointError(
                f"{self.checkpoint} was made with something else ({'; '.join(changed)}): "
                "choose another --out, or delete it to start anew"
            )
        self._forget_lines_after(values["lines"])
        return tensors, values

    def due(self) -> bool:
        """Whether the last checkpoint is old enough for the next."""
        return time.monotonic() - self.saved_at >= self.interval

    def save(self, tensors: Mapping[str, Tensor], **values: Any) -> None:
        """Write the checkpoint."""
        if self.writes:
            values |= {"made_from": self.made_from, "lines": self._count_lines()}
            save_tensors(self.checkpoint, tensors, values)
        self.saved_at = time.monotonic()

    def log(self, **values: Any) -> None:
        """Append a line of JSON to the log."""
        if self.writes:
            with self.log_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")

    def _count_lines(self) -> int:
        return len(self.log_file.read_bytes().splitlines()) if self.log_file.exists() else 0

    def _forget_lines_after(self, count: int) -> None:
        """Drop the lines that were logged after the checkpoint: they are about to be logged again."""
        if self.writes and self.log_file.exists():
            self.log_file.write_bytes(b"".join(self.log_file.read_bytes().splitlines(keepends=True)[:count]))


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
