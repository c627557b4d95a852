import pytest

from msinet.engine.schedule import learning_rate_at
from msinet.training.settings import TrainSettings


def test_the_learning_rate_rises_from_a_hundredth_to_its_peak():
    settings = TrainSettings(learning_rate=2.0, warmup_epochs=10)
    assert [learning_rate_at(settings, step, 100) for step in (0, 500, 1000)] == pytest.approx([0.02, 1.01, 2])


def test_the_learning_rate_falls_to_a_tenth_at_each_milestone():
    settings = TrainSettings(learning_rate=1.0, milestones=(150, 225, 300))
    rates = [learning_rate_at(settings, epoch * 7, 7) for epoch in (149, 150, 225, 300, 349)]
    assert rates == pytest.approx([1, 0.1, 0.01, 0.001, 0.001])


def test_a_cosine_falls_to_zero():
    settings = TrainSettings(learning_rate=1.0, schedule="cosine", warmup_epochs=10, epochs=110)
    assert [learning_rate_at(settings, epoch, 1) for epoch in (10, 60, 110)] == pytest.approx([1, 0.5, 0], abs=1e-6)
