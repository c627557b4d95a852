import os
import pwd
from pathlib import Path

import pytest

from msinet.files.caches import cache_folder


@pytest.fixture
def home(monkeypatch, tmp_path):
    """The home folder of a user who has set nothing."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_caches_lie_in_the_home_folder(home):
    assert cache_folder() == home / ".cache/msinet"


def test_caches_lie_where_the_user_wants_them(home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/fast")
    assert cache_folder() == Path("/fast/msinet")


@pytest.mark.parametrize("folder", ["", "cache", "./cache", "../cache", "~/cache"])
def test_a_relative_folder_counts_as_none(home, monkeypatch, folder):
    """Otherwise every folder that a command is called in would get caches."""
    monkeypatch.setenv("XDG_CACHE_HOME", folder)
    assert cache_folder() == home / ".cache/msinet"


@pytest.fixture
def nobody(home, monkeypatch):
    """A user whom the system does not know, as in a container that is started with --user 12345."""

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("HOME")


def test_a_user_without_a_home_folder_has_no_caches(nobody):
    assert cache_folder() is None


def test_a_user_without_a_home_folder_can_say_where_caches_lie(nobody, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/fast")
    assert cache_folder() == Path("/fast/msinet")


def test_a_home_folder_that_is_relative_is_none(home, monkeypatch):
    monkeypatch.setenv("HOME", os.curdir)
    assert cache_folder() is None
