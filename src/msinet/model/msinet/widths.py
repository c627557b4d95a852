"""Channels of MSINet at each width."""

from msinet.errors import SettingsError

CHANNELS = (64, 256, 384, 512)
"""Channels of the published network: after the stem and after each of its three stages."""

WIDTHS = (0.25, 0.5, 0.75, 1.0)
"""Presets of the width: a multiple of the published channels."""


def channels_at(width: float) -> tuple[int, ...]:
    """Return the channels of the network at a width, 1.0 being the published one."""
    if width not in WIDTHS:
        raise SettingsError(f"width is {width}: choose one of {', '.join(map(str, WIDTHS))}", "width")
    return tuple(round(channels * width) for channels in CHANNELS)
