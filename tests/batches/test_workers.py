"""Whatever happens to a worker, the batches stay the same and nobody waits for ever."""

import errno
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from msinet.batches.loading import Batches, Draw, RecordImages, load_batch
from msinet.batches.workers import WorkerError, Workers
from msinet.data.records import ImageRecord

SIZE = (128, 96)  # A batch of two fills a pipe, so that no worker is far ahead.


@pytest.fixture
def batches(tmp_path):
    """Return a function that makes ten batches of two images, loaded by workers."""
    records = []
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (20, 20, 20, 3), dtype=np.uint8)):
        Image.fromarray(pixels).save(tmp_path / f"{number:02}.png")
        records.append(ImageRecord(tmp_path / f"{number:02}.png", "car"))
    draws = [[Draw(2 * i, 0, 2 * i, i), Draw(2 * i + 1, 0, 2 * i + 1, i)] for i in range(10)]
    return lambda workers: Batches(RecordImages(records, SIZE), draws, workers=workers)


def pixels(batches: Batches) -> list[bytes]:
    return [batch.images.numpy().tobytes() for batch in batches]


def no_worker_is_left() -> bool:
    return not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("number", "words"), [(signal.SIGKILL, "probably for lack of memory"), (signal.SIGTERM, "by SIGTERM")]
)
def test_a_killed_worker_changes_no_batch(batches, caplog, number, words):
    alone, loading, found = pixels(batches(0)), batches(3), []
    for batch in loading:
        if len(found) == 4:
            os.kill(multiprocessing.active_children()[0].pid, number)
        found.append(batch.images.numpy().tobytes())
    assert found == alone
    assert loading.workers == 1
    assert f"a worker was killed{' ' if 'by' in words else ', '}{words}" in caplog.text
    assert "set fewer workers" in caplog.text
    assert no_worker_is_left()


@pytest.mark.parametrize("started", [0, 1, 3])
def test_workers_that_cannot_be_started_change_no_batch(batches, caplog, monkeypatch, started):
    """Only `started` processes can run at once. Four workers are tried first, then two, then one."""
    alone, make = pixels(batches(0)), multiprocessing.Pipe

    def make_few(duplex):
        if len(multiprocessing.active_children()) >= started:
            raise OSError(errno.EMFILE, "Too many open files")
        return make(duplex)

    monkeypatch.setattr(multiprocessing, "Pipe", make_few)
    loading = batches(4)
    assert pixels(loading) == alone
    assert loading.workers == {0: 0, 1: 1, 3: 2}[started]
    assert "a worker cannot be started (Too many open files)" in caplog.text
    assert "ulimit -n" in caplog.text
    assert no_worker_is_left()


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EMFILE, "Too many open files"), RuntimeError("no threads")])
def test_what_a_worker_alone_cannot_load_is_loaded_without_it(batches, caplog, error):
    alone, here, loading = pixels(batches(0)), os.getpid(), batches(2)
    load = loading.load

    def load_here(wanted):
        if os.getpid() != here and wanted[0].batch == 3:
            raise error
        return load(wanted)

    loading.load = load_here
    assert pixels(loading) == alone
    assert "a worker could not load a batch: going on with workers 1 instead of 2" in caplog.text


def test_workers_that_all_die_leave_the_process_alone(batches, caplog):
    alone, here, loading = pixels(batches(0)), os.getpid(), batches(4)
    load = loading.load
    loading.load = lambda wanted: load(wanted) if os.getpid() == here else os._exit(1)
    assert pixels(loading) == alone
    assert loading.workers == 0
    assert len(caplog.records) == 3  # 4, 2, 1, 0


def test_no_worker_stays_behind_where_batches_are_left(batches):
    for batch in (loading := iter(batches(3))):
        assert len(batch) == 2 and len(multiprocessing.active_children()) == 3
        break
    loading.close()
    assert no_worker_is_left()


def test_there_are_no_more_workers_than_batches(batches):
    next(loading := iter(batches(40)))
    assert len(multiprocessing.active_children()) == 10
    loading.close()


@pytest.fixture
def heard_interrupts() -> Iterator[None]:
    """Hear Ctrl-C even where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard_interrupts")
def test_ctrl_c_ends_the_wait_for_a_worker_at_once():
    """A disk that does not answer keeps a worker waiting."""
    begun = time.monotonic()
    press = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), Workers(lambda wanted: time.sleep(600), [0, 1, 2], 0, 3) as workers:
        press.start()
        workers.batch(0)
    assert time.monotonic() - begun < 300  # Far less than the wait, however busy the machine is.
    assert no_worker_is_left()


def test_workers_end_with_the_process_that_started_them():
    here, there = multiprocessing.Pipe(duplex=False)

    def begin():
        with Workers(lambda wanted: [np.zeros(10**6)], range(100), 0, 3) as workers:
            workers.batch(0)
            there.send([process.pid for process in workers.processes])
            time.sleep(60)

    owner = multiprocessing.get_context("fork").Process(target=begin)
    owner.start()
    pids = here.recv()
    owner.kill()
    owner.join()
    end = time.monotonic() + 10
    while any(runs(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(runs(pid) for pid in pids)


def runs(pid: int) -> bool:
    """Return whether a process runs and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_needs_three_open_files_and_no_shared_memory():
    def open_files():
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    def shared_memory():
        return Path("/proc/self/maps").read_text().count("/dev/shm/")

    def look():
        files, shared = open_files(), shared_memory()
        with Workers(lambda wanted: [np.full((300, 1000), wanted)], range(12), 0, 4) as workers:
            for number in range(10):
                (tensor,) = workers.batch(number)
                assert tensor.eq(number).all() and tensor.shape == (300, 1000)
                assert open_files() <= files + 3 * 4
                assert shared_memory() <= shared
        assert open_files() <= files

    # In a process of its own: threads that other tests left open files when they like.
    process = multiprocessing.get_context("fork").Process(target=look)
    process.start()
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1,), (0, 3), (2, 3, 4)])
def test_arrays_of_any_kind_and_shape_arrive_as_they_are(kind, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(kind)
    with Workers(lambda wanted: [array, array + 1], [0], 0, 1) as workers:
        one, other = workers.batch(0)
    assert one.dtype == torch.from_numpy(array).dtype
    np.testing.assert_array_equal(one.numpy(), array, strict=True)
    np.testing.assert_array_equal(other.numpy(), array + 1)


def test_a_batch_that_was_taken_cannot_be_had_again():
    with Workers(lambda wanted: [np.array([wanted])], [7], 0, 1) as workers:
        assert workers.batch(0)[0].item() == 7
        with pytest.raises(WorkerError):
            workers.batch(0)


def test_what_loads_batches_can_be_sent_to_a_process_that_is_no_fork(batches):
    import pickle

    loading = batches(1)
    again = pickle.loads(pickle.dumps(loading.load))
    assert isinstance(again, partial) and again.func is load_batch
    for one, other in zip(again(loading.draws[3]), loading.load(loading.draws[3]), strict=True):
        np.testing.assert_array_equal(one, other)
