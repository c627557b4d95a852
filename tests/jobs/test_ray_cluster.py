"""A cluster is started as often as a busy machine needs, and one that is not there is not waited for."""

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from msinet.errors import FileError
from msinet.jobs.by_ray.cluster import LOCAL, STARTS, cluster

TOO_SLOW = "The current node timed out during startup."


class BusyMachine:
    """A machine on which Ray starts after some starts that fail; it remembers the calls."""

    def __init__(self, failures: int, raises: type[Exception] = Exception) -> None:
        self.failures, self.raises = failures, raises
        self.calls: list[str] = []

    def is_initialized(self) -> bool:
        return False

    def init(self, **options: Any) -> None:
        self.calls.append("init")
        if self.calls.count("init") <= self.failures:
            raise self.raises(TOO_SLOW)

    def shutdown(self) -> None:
        self.calls.append("shutdown")


@pytest.mark.parametrize("failures", range(STARTS))
@pytest.mark.parametrize("raises", [Exception, ConnectionError, RuntimeError, TimeoutError])
def test_a_start_that_a_busy_machine_was_too_slow_for_is_repeated(failures, raises):
    with cluster(ray := BusyMachine(failures, raises), LOCAL):
        assert ray.calls == ["init", "shutdown"] * failures + ["init"]
    assert ray.calls[-1] == "shutdown"


def test_a_machine_on_which_ray_never_starts_is_told_where_to_look():
    said = rf"Ray does not start on this machine, {STARTS} times over: {TOO_SLOW}.*raylet\.out"
    with pytest.raises(FileError, match=said), cluster(ray := BusyMachine(failures=100), LOCAL):
        pass
    assert ray.calls.count("init") == STARTS


def test_an_address_that_refuses_is_asked_once_and_named():
    with (
        pytest.raises(FileError, match="no Ray cluster answers at auto: "),
        cluster(ray := BusyMachine(1, ConnectionError), "auto"),
    ):
        pass
    assert ray.calls == ["init"]


def test_the_cluster_of_this_process_is_used_and_stays():
    ray = SimpleNamespace(is_initialized=lambda: True)  # Knows neither init nor shutdown.
    with cluster(ray, LOCAL):
        pass


def test_a_cluster_that_does_not_answer_is_not_waited_for():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # Bound and not listening: nobody answers, and nobody else can.
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        with (
            pytest.raises(FileError, match=f"no Ray cluster answers at {address}: start one"),
            cluster(BusyMachine(0), address),
        ):
            pass
