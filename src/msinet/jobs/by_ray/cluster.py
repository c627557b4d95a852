"""The Ray cluster that does the work: this process's, one at an address, or one that is started here."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msinet.errors import FileError
from msinet.jobs.by_ray.places import is_uri

LOCAL = "local"
"""The address of a cluster that is started on this machine for the time being."""

SECONDS_TO_ANSWER = 10
"""Seconds within which a cluster accepts a connection."""

STARTS = 3
"""Times that a start here is tried. Ray gives up where its helpers take more than 15 seconds to start, as on a busy machine
that has not read their files before; the next start finds these in memory."""


@contextmanager
def cluster(ray: Any, address: str, processors: int | None = None) -> Iterator[None]:
    """Use the cluster of this process or of an address, or start one here for the time being.

    Args:
        ray: the module.
        address: as `ray.init` takes it; "local" starts a cluster on this machine, unless this process has one.
        processors: of a cluster that is started here; by default all of the machine.

    Raises:
        FileError: no cluster answers at the address, or none starts here.
    """
    if ray.is_initialized():
        yield
        return
    if address == LOCAL:
        _start(ray, processors)
    else:
        _connect(ray, address)
    try:
        yield
    finally:
        ray.shutdown()


def _start(ray: Any, processors: int | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Nobody asked us to tell anybody.
    for start in range(1, STARTS + 1):
        try:
            ray.init(address=LOCAL, logging_level=logging.ERROR, num_cpus=processors, include_dashboard=False)
            return
        except Exception as error:  # What it raises where its own processes do not come up has no class of its own.
            ray.shutdown()
            if start == STARTS:
                raise FileError(
                    f"Ray does not start on this machine, {STARTS} times over: {error} Ray's own log says why, "
                    "/tmp/ray/session_latest/logs/raylet.out by default. Stop other programs if the machine is busy",
                    "ray",
                ) from error


def _connect(ray: Any, address: str) -> None:
    _require_answer(address)
    try:
        ray.init(address=address, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise FileError(f"no Ray cluster answers at {address}: {error}", "ray") from error


def _require_answer(address: str) -> None:
    """Raise a FileError where nothing listens at HOST:PORT; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and not is_uri(address):
        try:
            socket.create_connection((host, int(port)), timeout=SECONDS_TO_ANSWER).close()
        except OSError as error:
            raise FileError(
                f"no Ray cluster answers at {address}: start one (ray start --head), or pass its address", "ray"
            ) from error
