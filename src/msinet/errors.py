"""What can go wrong for a user: each message says what to do about it."""


class MSINetError(Exception):
    """Any error that msinet raises on purpose; the command line shows its message alone."""


class DatasetError(MSINetError):
    """The images, labels or splits cannot be used as they are."""


class SettingsError(MSINetError, ValueError):
    """A setting, or a combination of settings, that cannot work."""


class CheckpointError(MSINetError):
    """A file of weights that is missing, damaged or made for another network."""


class TrainingError(MSINetError):
    """Training cannot go on: the loss is not finite."""
