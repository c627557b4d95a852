"""What can go wrong for a user. A class says what failed, its message what to do about it."""

from collections.abc import Sequence


class MSINetError(Exception):
    """Any error that msinet raises on purpose; the command line shows its message alone.

    Args:
        message: what is wrong and what to do. Settings are named as in Python: `learning_rate`.
        settings: names of the settings that the message speaks of, which the command line writes as options.
    """

    def __init__(self, message: str, *settings: str) -> None:
        super().__init__(message)
        self.settings = settings


class DatasetError(MSINetError):
    """Images, labels or splits that cannot be used as they are."""


class SettingsError(MSINetError, ValueError):
    """A setting, or a combination of settings, that cannot work."""


class FileError(MSINetError):
    """A file that cannot be read or written."""


class BusyError(MSINetError):
    """A folder or file that another process writes to."""


class CheckpointError(MSINetError):
    """The checkpoint of a search or a training that is missing, damaged or of another run."""


class ModelError(MSINetError):
    """Weights or a model's card that are missing, damaged or of another network."""


class ResultError(MSINetError):
    """A file of results that is missing, damaged or of something else."""


class TrainingError(MSINetError):
    """Training that cannot go on: its loss is not finite."""


class MissingExtraError(MSINetError):
    """A package that is not installed, and the extra that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f'{package} is missing: pip install "msinet[{extra}]"')


def listed(lines: Sequence[object], limit: int = 12) -> str:
    """Return lines of a message, indented, the first dozen and how many more."""
    shown = [f"\n  {line}" for line in lines[:limit]]
    more = len(lines) - limit
    return "".join([*shown, *([f"\n  ... and {more} more"] if more > 0 else [])])
