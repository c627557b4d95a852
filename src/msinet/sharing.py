"""Shares of work that several processes or machines divide, written as which of how many: 3/100."""

from dataclasses import dataclass

from msinet.errors import SettingsError


@dataclass(frozen=True)
class Share:
    """Number `which`, from 1, of `count` shares."""

    which: int = 1
    count: int = 1

    @classmethod
    def parse(cls, words: str, setting: str) -> "Share":
        """Return the share of words such as 3/100.

        Raises:
            SettingsError: they are none; it names the setting.
        """
        which, _, count = words.partition("/")
        if not (which.isdecimal() and count.isdecimal() and 1 <= int(which) <= int(count)):
            raise SettingsError(f"{setting} is {words}: write which of how many, such as 1/2 and 2/2", setting)
        return cls(int(which), int(count))


def share_of(count: int, which: int, shares: int) -> slice:
    """Return the part number `which`, from 0, of `count` things cut into shares of nearly equal size."""
    return slice(count * which // shares, count * (which + 1) // shares)
