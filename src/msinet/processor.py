"""The processor of this machine, by its name and by what it can do."""

import platform
import re
from functools import cache
from pathlib import Path

INFORMATION = Path("/proc/cpuinfo")
"""Where Linux describes the processor."""


def processor() -> str:
    """Return the name of the processor."""
    return _fact("model name") or platform.processor() or platform.machine()


def maker() -> str:
    """Return the maker of the processor as it calls itself, such as AuthenticAMD; empty where the system does not say it."""
    return _fact("vendor_id")


def instructions() -> str:
    """Return the sets of instructions that the processor has, where the system says it: names alone do not tell them."""
    return _fact("flags") or _fact("Features") or platform.machine()


@cache
def _fact(name: str) -> str:
    """Return what Linux says of the first core under a name, empty where it says nothing."""
    text = INFORMATION.read_text(encoding="utf-8", errors="replace") if INFORMATION.exists() else ""
    found = re.search(rf"^{name}\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else ""
