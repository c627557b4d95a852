"""How long a run takes is known after its first steps."""

import logging

import pytest

from msinet.data.records import ImageRecord
from msinet.engine.estimate import Estimate
from msinet.engine.feed import Feed
from msinet.training.settings import TrainSettings

DAY = 86400


class Clock:
    """Seconds that pass when they are asked to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def said_of(
    caplog, seconds, steps=range(6000), first=None, work=len, has_gpu=False, done=40, then=""
) -> list[logging.LogRecord]:
    """Return what is said of a run of 100 steps an epoch, whose first step takes `first` and each other one `seconds`."""
    clock = Clock()
    estimate = Estimate("train", steps, 100, work, has_gpu, then, clock)
    with caplog.at_level(logging.INFO):
        for step in range(steps.start, min(steps.start + done, steps.stop)):
            clock.now += seconds(step) if callable(seconds) else seconds
            clock.now += (first or 0) if step == steps.start else 0
            estimate.count(step + 1)
    return caplog.records


def test_the_rest_takes_as_long_a_step_as_the_first_steps(caplog):
    (record,) = said_of(caplog, 2.0)
    # 20 seconds are 10 steps: 5990 are left.
    assert record.getMessage() == (
        "train: about 3 h 20 min for the 60 epochs, of 100 steps each; Ctrl-C stops, the same command resumes"
    )
    assert record.levelno == logging.INFO


def test_what_follows_is_named_and_not_counted(caplog):
    (record,) = said_of(caplog, 2.0, then="2 to 3 finalists of 30 epochs each")
    assert (
        "3 h 20 min for the 60 epochs, of 100 steps each, then 2 to 3 finalists of 30 epochs each; " in record.getMessage()
    )


@pytest.mark.parametrize(("seconds", "steps"), [(0.5, 11), (3.0, 7), (7.0, 3), (60.0, 2)])
def test_ten_steps_are_timed_or_twenty_seconds_and_never_the_first_alone(caplog, seconds, steps):
    assert not said_of(caplog, seconds, done=steps - 1)
    assert len(said_of(caplog, seconds, done=steps)) == 1


def test_a_slow_first_step_counts_for_nothing(caplog):
    (record,) = said_of(caplog, 1.0, first=500.0)
    assert "about 1 h 40 min" in record.getMessage()


def test_a_resumed_run_says_how_long_its_rest_takes(caplog):
    (record,) = said_of(caplog, 1.0, steps=range(4950, 6000))
    assert "about 17 min for the 11 epochs that are left" in record.getMessage()


def test_a_short_run_needs_no_words(caplog):
    assert not said_of(caplog, 0.01)
    assert not said_of(caplog, 100.0, steps=range(5999, 6000))


@pytest.mark.parametrize(("seconds", "has_gpu", "level"), [(15, False, "WARNING"), (14, False, "INFO"), (15, True, "INFO")])
def test_more_than_a_day_without_a_gpu_is_a_warning(caplog, seconds, has_gpu, level):
    (record,) = said_of(caplog, seconds, has_gpu=has_gpu)
    assert record.levelname == level
    assert ("the recipe small-data" in record.getMessage()) == (level == "WARNING")


def test_epochs_of_small_images_count_by_their_pixels(caplog):
    """Half of the epochs see 2/3 of the height and width."""
    records = [ImageRecord(f"{i}.jpg", f"car {i % 100}") for i in range(400)]
    shape = {"image_height": 96, "image_width": 96, "identities_per_batch": 4, "images_per_identity": 1}
    feed = Feed(records, TrainSettings(**shape, epochs=60, small_epochs=30))
    total = 60 * len(feed)
    assert feed.work(range(total)) == pytest.approx(total / 2 * (1 + 4 / 9))
    assert feed.work(range(total // 2, total)) == total // 2
    assert feed.work(range(total // 2 - 9, total // 2)) == pytest.approx(4)
    assert feed.work(range(total // 2 - 9, total // 2 + 6)) == pytest.approx(10)
    # Each large step takes 9 s, each small one 4 s.
    half = total // 2
    (record,) = said_of(caplog, lambda step: 4 if step < half else 9, range(total), work=feed.work)
    left = 4 * (half - 5) + 9 * half
    assert f"about {round(left / 60) // 60} h {round(left / 60) % 60:02d} min" in record.getMessage()
