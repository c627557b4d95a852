"""A kind of finding: how bad it is, why it matters and what to do."""

from typing import NamedTuple


class Trouble(NamedTuple):
    """A kind of finding."""

    spoils: bool
    """Whether training or scores are wrong with it; otherwise it costs quality or is worth knowing."""
    why: str
    advice: str
