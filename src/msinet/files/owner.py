"""Owners of locks: which process of which machine, and whether it still runs."""

import json
import os
import secrets
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """A process that writes to a folder."""

    process: int
    """Its number."""
    begun: str
    """When the process began, in the machine's ticks: another process of the same number began at another tick."""
    machine: str
    """Name of the machine."""
    kernel: str
    """What tells the machine from others of its name, a container from others, and a start of the machine from the next."""
    since: float
    """When it took the lock, in seconds since 1970."""
    token: str
    """Drawn at random, so that no two locks are alike."""

    @classmethod
    def this_process(cls) -> "Owner":
        """Return this process as an owner from now on."""
        number = os.getpid()
        return cls(number, _begun(number), socket.gethostname(), _kernel(), time.time(), secrets.token_hex(8))

    @classmethod
    def of(cls, content: bytes) -> "Owner | None":
        """Return the owner that a lock names; None where the lock is of something else or not yet written."""
        try:
            return cls(**json.loads(content))
        except (ValueError, TypeError):
            return None

    def content(self) -> bytes:
        """Return what a lock of this owner holds."""
        return json.dumps(asdict(self)).encode()

    def runs(self) -> bool | None:
        """Return whether the process still runs; None where that cannot be seen from here."""
        if (self.machine, self.kernel) != (socket.gethostname(), _kernel()):
            return None
        if self.kernel:
            return _begun(self.process) == self.begun
        return None if _may_run(self.process) else False

    def in_words(self) -> str:
        """Return the owner as messages name it: process 123 on host, since 12:03."""
        taken, now = time.localtime(self.since), time.localtime()
        when = time.strftime("%H:%M" if taken[:3] == now[:3] else "%Y-%m-%d %H:%M", taken)
        return f"process {self.process} on {self.machine}, since {when}"


def _kernel() -> str:
    """Return what names the start of this machine and the container that process numbers belong to; on Linux alone."""
    try:
        booted = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{booted} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _begun(process: int) -> str:
    """Return when a process of this machine began, empty where it has ended; on Linux alone."""
    try:
        words = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if words[0] in "ZX" else words[19]  # A zombie has ended. The start is the 22nd word, 20th behind the name.


def _may_run(process: int) -> bool:
    """Return whether there is a process of this number, or whether that is unknown."""
    if os.name != "posix" or sys.platform == "linux":  # Windows would end the process.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
