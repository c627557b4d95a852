import pytest

from msinet.errors import SettingsError
from msinet.evaluation.settings import ScoringSettings


@pytest.mark.parametrize(
    "options", [{"query_expansion": -1}, {"rerank_expansion": 0}, {"rerank_expansion": 30}, {"rerank_keep": 1.5}]
)
def test_settings_that_make_no_sense_are_refused_by_name_and_value(options):
    [(name, value)] = options.items()
    with pytest.raises(SettingsError, match=f"{name} is {value}") as refused:
        ScoringSettings(**options)
    assert refused.value.settings[0] == name


def test_words_name_what_was_done_and_nothing_else():
    assert ScoringSettings().in_words() == ""
    assert ScoringSettings(rerank_keep=0.5).in_words() == ""
    everything = ScoringSettings(flip=True, track_pooling=True, query_expansion=3, rerank=True)
    assert everything.in_words() == "flip, track pooling, query expansion 3, re-ranking (k1 20, k2 6, lambda 0.3)"
