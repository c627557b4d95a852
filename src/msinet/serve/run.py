"""Running the service: the socket, the signals and the way it ends."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from msinet.errors import SettingsError
from msinet.files.os_errors import in_words
from msinet.serve.app import make_app
from msinet.serve.service import Service

CONNECTIONS = 1_024
"""Most connections at a time; uvicorn answers further ones with 503."""

IDLE = 15
"""Seconds after which a connection without a request is closed."""


def run(service: Service, started: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. What is in work is finished first; a second Ctrl-C stops at once.

    Args:
        service: what serves.
        started: called with the address when requests are taken.

    Raises:
        SettingsError: the address cannot be listened at.
    """
    listener = _listener(service.settings.host, service.settings.port)
    config = uvicorn.Config(
        make_app(service),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=int(2 * service.settings.seconds) + 1,
    )
    host, port = listener.getsockname()[:2]
    started(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    with _signals_end_quietly():
        uvicorn.Server(config).run([listener])


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(CONNECTIONS)
    except OSError as error:
        raise SettingsError(
            f"cannot listen at {host}, port {port}: {in_words(error)}; choose another port", "host", "port"
        ) from error
    return listener


@contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """Let uvicorn, which raises a signal again when it has ended by it, end as if it had not."""

    def ended(number: int, frame: FrameType | None) -> None:
        pass

    before = {number: signal.signal(number, ended) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
