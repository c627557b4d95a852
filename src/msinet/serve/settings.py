"""Settings of the service: where it listens, and how much it takes at a time. Imports nothing heavy."""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from msinet.errors import SettingsError
from msinet.panels import DATA, MACHINE, OUTPUT, SCORING

MEGABYTE = 1_000_000

IMAGES = 64
"""Most images, or boxes of a frame, of a request."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """Where the service listens, and how much it takes at a time."""

    host: Annotated[str, MACHINE] = "127.0.0.1"
    """Address to listen at. Others than this machine's own loopback take a token in MSINET_TOKEN."""
    port: Annotated[int, MACHINE] = 8000
    """Port to listen at; 0 takes a free one."""
    batch_size: Annotated[int, MACHINE] = 16
    """Largest number of images of any requests that are embedded together."""
    company_ms: Annotated[float, MACHINE] = 2.0
    """Longest time in milliseconds that an image waits for others to be embedded together with."""
    threads: Annotated[int, MACHINE] = 32
    """Number of requests that are worked on at a time."""
    places: Annotated[int, MACHINE] = 128
    """Number of requests in work and in the queue above which new ones are refused with 429. Images: eight times as many."""
    seconds: Annotated[float, MACHINE] = 30.0
    """Time limit of a request: for its body to arrive, and again for its answer."""
    file_mb: Annotated[float, DATA] = 10.0
    """Largest image file in megabytes."""
    request_mb: Annotated[float, DATA] = 64.0
    """Largest request in megabytes."""
    memory_mb: Annotated[float, DATA] = 512.0
    """Megabytes of requests that are held at a time, above which new ones are refused with 429."""
    megapixels: Annotated[float, DATA] = 25.0
    """Largest image in millions of pixels."""
    largest_top_k: Annotated[int, SCORING] = 200
    """Largest number of matches that a query may ask for."""
    audit: Annotated[Path | None, OUTPUT] = None
    """File of the audit log. By default audit.jsonl in the gallery's folder."""
    log_requests: Annotated[bool, OUTPUT] = False
    """Write a line for each request to standard error: method, route, code and milliseconds."""

    def __post_init__(self) -> None:
        if not 0 <= self.port < 2**16:
            raise SettingsError(f"port is {self.port}: it must lie between 0 and 65535", "port")
        for name in ("batch_size", "threads", "places", "largest_top_k"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}: at least 1", name)
        for name in ("seconds", "file_mb", "request_mb", "memory_mb", "megapixels"):
            if not 0 < getattr(self, name) < float("inf"):
                raise SettingsError(f"{name} is {getattr(self, name)}: it must be positive", name)
        if not 0 <= self.company_ms <= 1000:
            raise SettingsError(f"company_ms is {self.company_ms}: it must lie between 0 and 1000", "company_ms")
        if self.memory_mb < self.request_mb:
            raise SettingsError(
                f"memory_mb is {self.memory_mb}: it must hold one request of request_mb, {self.request_mb}",
                "memory_mb",
                "request_mb",
            )

    @property
    def images_waiting(self) -> int:
        """Number of images that may wait to be embedded; those of one request always fit."""
        return max(8 * self.places, IMAGES)

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone can reach the service."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Return whether a host, a name or an address, is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
