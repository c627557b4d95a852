"""The first Ctrl-C asks, the second one stops."""

import logging
import signal
import threading
import time

import pytest

from msinet.engine import interrupts
from msinet.engine.interrupts import stop_on_interrupt


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_the_first_interrupt_is_a_request_and_the_second_stops_at_once():
    with pytest.raises(KeyboardInterrupt), stop_on_interrupt() as stop:
        assert not stop.requested
        press()
        assert stop.requested
        press()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_of_several_processes_none_leaves_before_the_step_ends(number):
    with stop_on_interrupt(processes=2) as stop:
        for _ in range(3):
            signal.raise_signal(number)
    assert stop.requested


def test_handlers_are_given_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stop_on_interrupt():
        press()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize(("step", "said"), [(0.3, True), (0, False)])
def test_a_step_that_takes_long_after_ctrl_c_says_so(monkeypatch, caplog, step, said):
    monkeypatch.setattr(interrupts, "PATIENCE", 0.1)
    with caplog.at_level(logging.INFO), stop_on_interrupt():
        press()
        time.sleep(step)
    time.sleep(0.15)
    assert ("Ctrl-C again stops at once" in caplog.text) == said


def test_nothing_is_said_where_nobody_interrupts(monkeypatch, caplog):
    monkeypatch.setattr(interrupts, "PATIENCE", 0.01)
    threads = threading.active_count()
    with caplog.at_level(logging.INFO), stop_on_interrupt() as stop:
        pass
    time.sleep(0.1)
    assert not stop.requested
    assert not caplog.records
    assert threading.active_count() == threads
