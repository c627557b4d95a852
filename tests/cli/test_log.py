"""What the library logs is printed once, on standard error."""

import logging

import pytest

from msinet.cli import log
from msinet.cli.log import shown_log


@pytest.mark.parametrize(("level", "shown"), [("info", "[ready]"), ("warning", "warning: [ready]")])
def test_notes_and_warnings_are_printed_as_they_are(capsys, level, shown):
    with shown_log():
        getattr(logging.getLogger("msinet.engine.loop"), level)("[%s]", "ready")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"{shown}\n")


def test_what_others_log_and_what_is_for_developers_is_not_printed(capsys):
    with shown_log():
        logging.getLogger("torch").info("ready")
        logging.getLogger("msinet.engine").debug("ready")
    logging.getLogger("msinet.engine").info("ready")
    assert capsys.readouterr().err == ""


def test_the_log_is_left_as_it_was():
    logger = logging.getLogger("msinet")
    before = list(logger.handlers), logger.level
    with pytest.raises(KeyError), shown_log():
        assert len(logger.handlers) == len(before[0]) + 1
        raise KeyError
    assert (logger.handlers, logger.level) == before


def test_of_several_processes_the_first_one_prints(capsys, monkeypatch):
    monkeypatch.setattr(log, "FIRST", False)
    with shown_log():
        logging.getLogger("msinet").info("ready")
    assert capsys.readouterr().err == ""


def test_a_line_that_cannot_be_printed_stops_nothing(monkeypatch):
    def fail(text):
        raise BrokenPipeError

    monkeypatch.setattr(log, "say_aside", fail)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    with shown_log():
        logging.getLogger("msinet").info("ready")
