import logging
import os
import pickle
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from msinet.data import image_cache
from msinet.data.image_cache import cache_folder, find_cache, open_cache
from msinet.data.images import load_image
from msinet.data.transforms import resize

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


def files() -> list[str]:
    return sorted(path.name for path in cache_folder().iterdir())


def decoded(paths, size=SIZE) -> int:
    """Return how many images are decoded to open the cache."""
    count = 0

    def advance():
        nonlocal count
        count += 1

    assert open_cache(paths, size, advance=advance)
    return count


def test_the_cache_holds_what_decoding_gives(paths):
    cache = open_cache(paths, SIZE)
    assert cache
    for path in paths:
        np.testing.assert_array_equal(cache[path], resize(load_image(path), SIZE))


def test_images_are_decoded_once_whatever_their_order(paths):
    assert decoded(paths) == 5
    assert decoded([*paths[::-1], paths[0]]) == 0


def test_another_size_is_another_cache(paths):
    assert decoded(paths) == decoded(paths, (8, 8)) == 5
    assert len(files()) == 2


def test_a_source_that_changes_is_decoded_anew(paths):
    decoded(paths)
    Image.new("RGB", (20, 20), "red").save(paths[2])
    cache = open_cache(paths, SIZE)
    assert cache
    assert (cache[paths[2]] == (255, 0, 0)).all()


def test_it_travels_to_a_worker_as_a_name(paths):
    cache = open_cache(paths, SIZE)
    sent = pickle.dumps(cache)
    assert b".npy" in sent
    np.testing.assert_array_equal(pickle.loads(sent)[paths[1]], cache[paths[1]])


def test_an_image_that_cannot_be_read_switches_it_off_and_is_named(paths, caplog):
    """The run that meets the image in a batch stops with the same words."""
    paths[3].write_bytes(b"no image")
    assert open_cache(paths, SIZE) is None
    assert "3.png" in caplog.text
    assert files() == []


def test_others_only_look_for_it(paths):
    assert find_cache(paths, SIZE) is None
    open_cache(paths, SIZE)
    found = find_cache(paths, SIZE)
    assert found
    np.testing.assert_array_equal(found[paths[4]], resize(load_image(paths[4]), SIZE))


def test_two_that_make_it_at_once_do_not_meet(paths):
    with ThreadPoolExecutor(4) as pool:
        caches = list(pool.map(lambda _: open_cache(paths, SIZE), range(8)))
    assert len(files()) == 1
    for cache in caches:
        assert cache
        np.testing.assert_array_equal(cache[paths[0]], resize(load_image(paths[0]), SIZE))


def test_a_full_disk_switches_it_off(paths, monkeypatch, caplog):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(image_cache.shutil, "disk_usage", lambda folder: usage(10**12, 10**12 - 10**9, 10**9))
    assert open_cache(paths, SIZE) is None
    assert "decoded in every epoch" in caplog.text
    assert "has 0.9 GB free" in caplog.text


def test_a_disk_that_fills_up_meanwhile_switches_it_off(paths, monkeypatch, caplog):
    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(image_cache.os, "fsync", full)
    with caplog.at_level(logging.WARNING):
        assert open_cache(paths, SIZE) is None
    assert "No space left" in caplog.text
    assert files() == []


def test_a_folder_that_cannot_be_made_switches_it_off(paths, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(paths[0]))
    assert open_cache(paths, SIZE) is None
    assert "no cache" in caplog.text


@pytest.mark.parametrize("length", [0, 20, 200])
def test_a_damaged_cache_is_made_anew(paths, length):
    cache = open_cache(paths, SIZE)
    assert cache
    whole = cache.path.read_bytes()
    cache.path.write_bytes(whole[:length])
    assert decoded(paths) == 5
    assert cache.path.read_bytes() == whole


def test_what_nobody_used_for_a_month_goes(paths):
    folder = cache_folder()
    folder.mkdir(parents=True)
    days = {"images-old.npy": 40, "images-young.npy": 20, "images.1.partial": 1, "images.2.partial": 0, "notes.txt": 90}
    for name, age in days.items():
        (folder / name).touch()
        then = time.time() - age * 86400
        os.utime(folder / name, (then, then))
    decoded(paths)
    assert {"images-young.npy", "images.2.partial", "notes.txt"} < set(files())
    assert len(files()) == 4


def test_a_cache_in_use_stays_young(paths):
    cache = open_cache(paths, SIZE)
    assert cache
    os.utime(cache.path, (0, 0))
    assert decoded(paths) == 0
    assert time.time() - cache.path.stat().st_mtime < 60
