import pytest

from msinet.errors import SettingsError
from msinet.sharing import Share


def test_a_share_is_which_of_how_many():
    assert Share.parse("3/100", "share") == Share(3, 100)


@pytest.mark.parametrize("words", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2", ""])
@pytest.mark.parametrize("setting", ["share", "shard"])
def test_what_is_no_share_is_refused(words, setting):
    with pytest.raises(SettingsError, match=f"{setting} is {words}: write which of how many") as error:
        Share.parse(words, setting)
    assert error.value.settings == (setting,)
