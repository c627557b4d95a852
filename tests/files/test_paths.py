from pathlib import Path

import pytest

from msinet.errors import FileError
from msinet.files.paths import user_path


@pytest.mark.parametrize(
    "written, expanded", [("~/runs", "/home/me/runs"), ("~", "/home/me"), ("runs/~", "runs/~"), ("/a", "/a")]
)
def test_the_home_folder_is_expanded(monkeypatch, written, expanded):
    monkeypatch.setenv("HOME", "/home/me")
    assert user_path(written) == Path(expanded)


def test_a_home_that_is_not_there_is_named():
    with pytest.raises(FileError, match="no home folder for ~nobody-of-this-name"):
        user_path("~nobody-of-this-name/runs")
