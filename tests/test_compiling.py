"""The cache of compiled loops is a convenience: whatever is wrong with it, the loops are compiled."""

import logging
import os
import pwd
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from msinet import compiling
from msinet.compiling import compiled


def next_number(number):
    return number + 1


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that numba caches in."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    compiling._warn.cache_clear()
    return tmp_path / "numba"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def cached_before(kernel) -> int:
    """Return how many compiled forms of a function came from the cache."""
    return sum(kernel.stats.cache_hits.values())


def test_a_function_is_compiled_once_for_all_processes(folder):
    for before in (0, 1):
        kernel = compiled(next_number)
        assert kernel(3) == 4
        assert cached_before(kernel) == before
    assert len(files(folder)) == 2


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("content", [b"", b"damaged", b"\x80\x05\x95"])
def test_a_damaged_cache_is_made_anew(folder, caplog, suffix, content):
    compiled(next_number)(3)
    for path in files(folder):
        if path.suffix == suffix:
            path.write_bytes(content)
    for before in (0, 1):
        kernel = compiled(next_number)
        assert kernel(3) == 4
        assert cached_before(kernel) == before
    assert not caplog.records


def test_a_full_disk_costs_the_cache_and_not_the_work(folder, caplog, monkeypatch):
    kernels = [compiled(next_number), compiled(lambda number: number + 2)]

    def fill_up(*arguments):
        raise OSError(28, "No space left on device")

    for kernel in kernels:
        monkeypatch.setattr(kernel._cache._cache_file, "_save_index", fill_up)
    assert [kernel(3) for kernel in kernels] == [4, 5]
    (record,) = caplog.records  # once, not once a function
    assert "(No space left on device): set NUMBA_CACHE_DIR to a folder that can be written" in record.getMessage()


def test_without_any_folder_every_process_compiles(folder, caplog, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "UserProvidedCacheLocator")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "/dev/null/numba")
    with caplog.at_level(logging.WARNING):
        assert compiled(next_number)(3) == 4
    assert "no folder for them can be written" in caplog.text


def test_without_compilation_functions_stay_functions(monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert compiled(next_number)(3) == 4


def test_a_user_without_a_home_folder_gets_no_folder_named_tilde(tmp_path):
    """The user is unknown to the system, and the installation cannot be written."""
    code = """
import pwd
pwd.getpwuid = {}.__getitem__
import numba.core.caching as caching
caching.InTreeCacheLocator.from_function = classmethod(lambda *arguments: None)
from tests.test_compiling import compiled, next_number
assert compiled(next_number)(3) == 4
"""
    environment = {
        name: os.environ[name] for name in os.environ if name not in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR")
    }
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert not list(tmp_path.iterdir())
    assert pwd.getpwuid(os.getuid())
