"""Channels of MSINet at each width."""

from bisect import bisect_right
from collections.abc import Callable

from msinet.errors import SettingsError

CHANNELS = (64, 256, 384, 512)
"""Channels of the published network: after the stem and after each of its three stages."""

STEPS = 32
"""Steps of the width up to the published one: each has whole numbers of channels everywhere."""

WIDTHS = tuple(step / STEPS for step in range(STEPS // 8, STEPS + 1))
"""Widths of the network, rising: multiples of the published channels."""


def channels_at(width: float) -> tuple[int, ...]:
    """Return the channels of the network at a width, 1.0 being the published one."""
    if width not in WIDTHS:
        near = sorted(sorted(WIDTHS, key=lambda one: abs(one - width))[:2])
        raise SettingsError(
            f"width is {width:g}: choose a multiple of 1/{STEPS} from {WIDTHS[0]} to {WIDTHS[-1]}, such as "
            f"{' or '.join(f'{one:g}' for one in near)}",
            "width",
        )
    return tuple(round(channels * width) for channels in CHANNELS)


def largest_width(cost: Callable[[float], float], limit: float) -> float:
    """Return the largest width whose cost is within a limit, or the smallest, where none is.

    cost: of a network by its width, rising.
    """
    return WIDTHS[max(bisect_right(WIDTHS, limit, key=cost) - 1, 0)]
