import errno
import logging
import multiprocessing
import os
import pickle
import resource
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tests.heard import Heard

from msinet.batches import image_cache
from msinet.batches.augmentation import resize
from msinet.batches.image_cache import find_cache, open_cache
from msinet.data.pixels import load_image
from msinet.files.caches import cache_folder
from msinet.progress import listen

SIZE = (12, 10)


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """Five pictures of noise, and a cache folder of their own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    made = [tmp_path / f"{number}.png" for number in range(5)]
    for path in made:
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path)
    return made


def folder_of_caches() -> Path:
    folder = cache_folder()
    assert folder
    return folder


def files() -> list[str]:
    return sorted(path.name for path in folder_of_caches().iterdir())


def decoded(paths, size=SIZE) -> int:
    """Return the number of images that are decoded to open the cache."""
    with listen(heard := Heard()):
        assert open_cache(paths, size)
    assert heard.begun in ([], [("decode images", heard.steps, 0)])
    return heard.steps


def test_the_cache_holds_decoded_and_resized_images(paths):
    cache = open_cache(paths, SIZE)
    assert cache
    for path in paths:
        np.testing.assert_array_equal(cache[path], resize(load_image(path), SIZE))


def test_images_are_decoded_once_in_any_order(paths):
    assert decoded(paths) == 5
    assert decoded([*paths[::-1], paths[0]]) == 0


def test_other_pixels_in_a_file_of_the_same_size_and_time_are_decoded(paths):
    """As archives leave them, which give every file one time, and pictures that are not compressed."""
    times, size = paths[0].stat(), paths[0].stat().st_size
    assert decoded(paths) == 5
    time.sleep(0.02)  # The time of the last change, which cannot be set, advances in steps.
    paths[0].write_bytes(paths[1].read_bytes().ljust(size)[:size])
    os.utime(paths[0], ns=(times.st_atime_ns, times.st_mtime_ns))
    assert decoded(paths) == 5


def test_another_size_is_another_cache(paths):
    assert decoded(paths) == decoded(paths, (8, 8)) == 5
    assert len(files()) == 2


def test_a_changed_source_is_decoded_again(paths):
    decoded(paths)
    Image.new("RGB", (20, 20), "red").save(paths[2])
    cache = open_cache(paths, SIZE)
    assert cache
    assert (cache[paths[2]] == (255, 0, 0)).all()


def test_it_is_pickled_as_a_path(paths):
    cache = open_cache(paths, SIZE)
    sent = pickle.dumps(cache)
    assert b".npy" in sent
    np.testing.assert_array_equal(pickle.loads(sent)[paths[1]], cache[paths[1]])


def test_an_unreadable_image_is_named_and_disables_the_cache(paths, caplog):
    """The run stops with the same words when the image is in a batch."""
    paths[3].write_bytes(b"no image")
    assert open_cache(paths, SIZE) is None
    assert "3.png" in caplog.text
    assert files() == []


def test_find_cache_makes_none(paths):
    assert find_cache(paths, SIZE) is None
    open_cache(paths, SIZE)
    found = find_cache(paths, SIZE)
    assert found
    np.testing.assert_array_equal(found[paths[4]], resize(load_image(paths[4]), SIZE))


def test_several_can_make_it_at_once(paths):
    with ThreadPoolExecutor(4) as pool:
        caches = list(pool.map(lambda _: open_cache(paths, SIZE), range(8)))
    assert len(files()) == 1
    for cache in caches:
        assert cache
        np.testing.assert_array_equal(cache[paths[0]], resize(load_image(paths[0]), SIZE))


def free_space(monkeypatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(total=10**12, used=10**12 - free, free=free))


def test_a_cache_that_would_take_most_of_the_free_space_is_not_made(paths, monkeypatch, caplog):
    free_space(monkeypatch, 2 * 5 * 12 * 10 * 3 - 1)
    assert open_cache(paths, SIZE) is None
    assert "decoded in every epoch: a cache of 0.0 GB would take most" in caplog.text
    assert files() == []


def test_a_small_cache_is_made_on_a_disk_that_is_almost_full(paths, monkeypatch):
    free_space(monkeypatch, 2 * 5 * 12 * 10 * 3)
    assert open_cache(paths, SIZE)


def test_a_disk_that_fills_up_meanwhile_disables_the_cache(paths):
    def fill_up():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
        os._exit(0 if open_cache(paths, SIZE) is None and files() == [] else 1)

    process = multiprocessing.get_context("fork").Process(target=fill_up)
    process.start()
    process.join()
    assert process.exitcode == 0
    assert decoded(paths) == 5


def test_a_folder_that_cannot_be_made_disables_the_cache(paths, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(paths[0]))
    with caplog.at_level(logging.WARNING):
        assert open_cache(paths, SIZE) is None
    assert "no cache" in caplog.text


def test_without_a_home_folder_there_is_no_cache_and_it_is_said_once(paths, monkeypatch, caplog):
    monkeypatch.setattr(image_cache, "cache_folder", lambda: None)
    image_cache._warn.cache_clear()
    assert open_cache(paths, SIZE) is None
    assert open_cache(paths, (8, 8)) is None
    assert find_cache(paths, SIZE) is None
    assert [record.getMessage() for record in caplog.records] == [
        "images are decoded in every epoch: no home folder for a cache of them; set XDG_CACHE_HOME to a folder"
    ]


def test_a_cache_that_only_another_user_can_write_is_read(paths, monkeypatch):
    assert decoded(paths) == 5

    def refuse(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "utime", refuse)
    assert decoded(paths) == 0


@pytest.mark.parametrize("length", [0, 20, 200])
def test_a_damaged_cache_is_made_again(paths, length):
    cache = open_cache(paths, SIZE)
    assert cache
    whole = cache.path.read_bytes()
    cache.path.write_bytes(whole[:length])
    assert decoded(paths) == 5
    assert cache.path.read_bytes() == whole


def test_caches_without_use_for_a_month_are_removed(paths):
    folder = folder_of_caches()
    folder.mkdir(parents=True)
    days = {"images-old.npy": 40, "images-young.npy": 20, "images.1.partial": 1, "images.2.partial": 0, "notes.txt": 90}
    for name, age in days.items():
        (folder / name).touch()
        then = time.time() - age * 86400
        os.utime(folder / name, (then, then))
    decoded(paths)
    assert {"images-young.npy", "images.2.partial", "notes.txt"} < set(files())
    assert len(files()) == 4


def test_use_renews_a_cache(paths):
    cache = open_cache(paths, SIZE)
    assert cache
    os.utime(cache.path, (0, 0))
    assert decoded(paths) == 0
    assert time.time() - cache.path.stat().st_mtime < 60
