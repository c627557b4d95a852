import math

import pytest

from msinet.architecture_search.settings import SearchSettings
from msinet.engine.settings import LoopSettings, settings_dict
from msinet.errors import SettingsError
from msinet.training.settings import TrainSettings


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (LoopSettings, "epochs", 0),
        (LoopSettings, "seed", -1),
        (LoopSettings, "width", 0.3),
        (LoopSettings, "workers", -1),
        (LoopSettings, "image_height", 16),
        (LoopSettings, "learning_rate", math.nan),
        (LoopSettings, "weight_decay", -1e-4),
        (LoopSettings, "warmup_epochs", math.inf),
        (LoopSettings, "identities_per_batch", 1),
        (LoopSettings, "optimizer", "adam"),
        (LoopSettings, "schedule", "cos"),
        (LoopSettings, "precision", "fp16"),
        (SearchSettings, "overlap", 1.1),
        (SearchSettings, "temperature", 0),
        (SearchSettings, "alpha_learning_rate", 0),
        (SearchSettings, "alpha_start_epoch", 350),
        (SearchSettings, "mixture_temperature", 0.0),
        (SearchSettings, "mixture_temperature", 2.0),
        (TrainSettings, "ema_decay", 1.0),
        (TrainSettings, "validation_share", 1.0),
        (TrainSettings, "alignment", "all"),
        (TrainSettings, "alignment_weight", -1.0),
    ],
)
def test_settings_that_cannot_work_are_refused(kind, name, value):
    with pytest.raises(SettingsError, match=f"{name} is ") as error:
        kind(**{name: value})
    assert error.value.settings == (name,)


def test_what_does_not_change_the_result_is_not_part_of_a_run():
    assert settings_dict(TrainSettings(workers=3, device="cpu")) == settings_dict(TrainSettings())
    assert settings_dict(TrainSettings(seed=1)) != settings_dict(TrainSettings())
