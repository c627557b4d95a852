"""One process writes to a folder at a time."""

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from msinet.errors import BusyError, FileError
from msinet.files import lock
from msinet.files.lock import LOCK, require_still_own, sole_writer
from msinet.files.owner import Owner


@pytest.fixture
def sleeper():
    """A process that lives on until the end of the test, as an owner."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def owner_of(number: int) -> Owner:
    """Return a process of this machine as an owner."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return replace(Owner.this_process(), process=number, begun=fields[19])


def leave(folder: Path, owner: Owner, silent: float = 0.0) -> Path:
    """Write an owner's lock into a folder, last touched some seconds ago."""
    file = folder / LOCK
    file.write_bytes(owner.content())
    os.utime(file, (time.time() - silent,) * 2)
    return file


def in_a_fork(work) -> int:
    """Do work in a copy of this process and return its exit code: 3 where the folder is busy."""

    def do():
        try:
            work()
        except BusyError:
            os._exit(3)
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=do)
    process.start()
    process.join()
    return process.exitcode or 0


def take(folder: Path) -> None:
    with sole_writer(folder):
        pass


def test_a_folder_is_free_again_afterwards_and_nothing_is_left(tmp_path):
    for _ in range(2):
        with sole_writer(tmp_path):
            assert [path.name for path in tmp_path.iterdir()] == [LOCK]
        assert not list(tmp_path.iterdir())


def test_a_second_process_is_refused_and_the_first_named(tmp_path, sleeper):
    leave(tmp_path, owner_of(sleeper.pid))
    words = rf"another run \(process {sleeper.pid} on .*, since \d\d:\d\d\) writes to {tmp_path}: wait for it, or choose"
    with pytest.raises(BusyError, match=words) as error, sole_writer(tmp_path):
        pass
    assert error.value.settings == ("out",)
    assert (tmp_path / LOCK).exists()


def test_a_fork_does_not_hold_what_its_parent_holds(tmp_path):
    with sole_writer(tmp_path):
        assert in_a_fork(lambda: take(tmp_path)) == 3
    assert in_a_fork(lambda: take(tmp_path)) == 0


def test_work_within_work_shares_the_lock(tmp_path):
    with sole_writer(tmp_path):
        with sole_writer(tmp_path):
            pass
        assert in_a_fork(lambda: take(tmp_path)) == 3  # The inner work did not give it back.


def test_links_and_dots_lead_to_the_same_lock(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with sole_writer(tmp_path / "out"):
        assert in_a_fork(lambda: take(tmp_path / "link")) == 3
        assert in_a_fork(lambda: take(tmp_path / "out" / ".." / "out")) == 3


def test_the_other_processes_of_a_run_take_no_lock(tmp_path):
    with sole_writer(tmp_path):
        assert in_a_fork(lambda: sole_writer(tmp_path, writes=False).__enter__()) == 0


def test_a_killed_owner_is_forgotten_at_once(tmp_path, sleeper):
    file = leave(tmp_path, owner_of(sleeper.pid))
    sleeper.send_signal(signal.SIGKILL)
    sleeper.wait()
    with sole_writer(tmp_path):
        assert json.loads(file.read_bytes())["process"] == os.getpid()


def test_a_dead_process_that_nobody_waited_for_is_dead(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    leave(tmp_path, owner_of(process.pid))
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    take(tmp_path)
    process.communicate()


def test_another_process_with_the_number_of_the_owner_is_not_the_owner(tmp_path, sleeper):
    leave(tmp_path, replace(owner_of(sleeper.pid), begun="1"))
    take(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("elsewhere", [{"machine": "node7"}, {"kernel": "this machine, started anew"}])
def test_an_owner_out_of_sight_lives_as_long_as_it_gives_signs(tmp_path, elsewhere):
    there = replace(Owner.this_process(), process=1, **elsewhere)
    leave(tmp_path, there, silent=lock.SILENCE - 30)
    with pytest.raises(BusyError, match="is free 3 minutes after its last sign of life"), sole_writer(tmp_path):
        pass
    leave(tmp_path, there, silent=lock.SILENCE + 30)
    take(tmp_path)


def test_a_lock_that_is_only_half_written_counts_as_alive_at_first(tmp_path):
    (tmp_path / LOCK).write_bytes(b"")
    with pytest.raises(BusyError, match="another run writes to"), sole_writer(tmp_path):
        pass
    os.utime(tmp_path / LOCK, (0, 0))
    take(tmp_path)


def test_the_owner_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "SIGN_OF_LIFE", 0.01)
    with sole_writer(tmp_path):
        os.utime(tmp_path / LOCK, (0, 0))
        deadline = time.monotonic() + 5
        while not (tmp_path / LOCK).stat().st_mtime and time.monotonic() < deadline:
            time.sleep(0.01)
        assert time.time() - (tmp_path / LOCK).stat().st_mtime < 60
    for thread in threading.enumerate():
        if str(tmp_path) in thread.name:
            thread.join(5)
            assert not thread.is_alive()


def test_a_folder_that_vanished_is_not_taken_for_another_run(tmp_path):
    (tmp_path / "out").mkdir()
    with sole_writer(tmp_path / "out"):
        (tmp_path / "out").rename(tmp_path / "moved")
        with pytest.raises(FileError, match="has vanished"):
            require_still_own(tmp_path / "out")


def test_a_lock_that_another_has_taken_over_is_neither_touched_nor_removed(tmp_path):
    with sole_writer(tmp_path):
        other = leave(tmp_path, replace(Owner.this_process(), machine="node7"))
        with pytest.raises(BusyError, match="has taken over"):
            require_still_own(tmp_path)
    assert other.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_errors_and_ctrl_c_give_the_folder_back(tmp_path, error):
    with pytest.raises(error), sole_writer(tmp_path):
        raise error
    assert not list(tmp_path.iterdir())


def test_of_many_at_once_one_writes_at_a_time(tmp_path):
    """Twelve processes find a dead owner's lock; whoever is not refused is alone for a while."""
    leave(tmp_path, replace(Owner.this_process(), begun="1"))

    def work():
        with sole_writer(tmp_path):
            with (tmp_path / "alone").open("x"):
                time.sleep(0.02)
            (tmp_path / "alone").unlink()

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=lambda: os._exit(quietly(work))) for _ in range(12)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    codes = [process.exitcode for process in processes]
    assert set(codes) <= {0, 3}
    assert 0 in codes
    assert not list(tmp_path.iterdir())


def quietly(work) -> int:
    try:
        work()
    except BusyError:
        return 3
    except BaseException:
        return 4
    return 0


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_disks_without_hard_links_are_locked_too(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    with sole_writer(tmp_path):
        assert in_a_fork(lambda: take(tmp_path)) == 3
    assert not list(tmp_path.iterdir())


def test_a_link_whose_answer_was_lost_on_the_way_was_made(tmp_path, monkeypatch):
    """A shared disk may make the link, lose its answer, be asked again and say that it exists."""
    link = os.link

    def made_twice(source, target):
        link(source, target)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", made_twice)
    take(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_made_for_the_lock_alone_is_removed_with_it(tmp_path):
    with pytest.raises(ValueError), sole_writer(tmp_path / "runs" / "first"):
        raise ValueError
    assert not list(tmp_path.iterdir())
    with sole_writer(tmp_path / "runs" / "second"):
        (tmp_path / "runs" / "second" / "model.json").write_text("{}")
    assert [path.name for path in (tmp_path / "runs").rglob("*")] == ["second", "model.json"]


def test_a_file_has_a_lock_of_its_own(tmp_path):
    with sole_writer(tmp_path / "a.npz", is_file=True):
        assert in_a_fork(lambda: sole_writer(tmp_path / "b.npz", is_file=True).__enter__()) == 0
        assert in_a_fork(lambda: sole_writer(tmp_path / "a.npz", is_file=True).__enter__()) == 3
    with pytest.raises(BusyError, match="choose another file for out"):
        (tmp_path / "a.npz.lock").write_bytes(b"")
        with sole_writer(tmp_path / "a.npz", is_file=True):
            pass


@pytest.mark.parametrize(("number", "words"), [(errno.EROFS, "can only be read: choose another folder for out"),
                                               (errno.EACCES, "no right to write there"),
                                               (errno.ENOSPC, "the disk is full: free some space")])  # fmt: skip
def test_where_nothing_can_be_written_the_reason_is_named_before_any_work(tmp_path, monkeypatch, number, words):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(FileError, match=words), sole_writer(tmp_path / "out"):
        pass
    assert not (tmp_path / "out").exists()
