import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest
from tests.heard import Heard

import msinet
from msinet.errors import DatasetError, FileError, SettingsError
from msinet.progress import listen
from msinet.world.dataset import make_world
from msinet.world.names import passes
from msinet.world.settings import WorldSettings


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_read_as_veri776(world):
    splits = msinet.load_splits(world)
    assert (len(splits.train), len(splits.query), len(splits.gallery)) == (12, 6, 12)
    assert splits.skipped == ()
    assert {record.camera for record in splits.gallery} == {"c001", "c002", "c003"}
    assert all(record.track and record.fields["color"] and record.fields["type"] for record in splits.gallery)


def test_no_vehicle_is_in_training_and_test(world):
    splits = msinet.load_splits(world)
    train, test = ({record.identity for record in part} for part in (splits.train, splits.gallery))
    assert train.isdisjoint(test)
    assert {record.identity for record in splits.query} == test


def test_index_files_follow_the_market_protocol(world):
    """A match is the same vehicle in another camera, junk in the same one; counted from 1 in name_test.txt."""
    test = (world / "name_test.txt").read_text().split()
    queries = (world / "name_query.txt").read_text().split()
    lines = [(world / f"{kind}_index.txt").read_text().splitlines() for kind in ("gt", "jk")]
    assert len(queries) == len(lines[0]) == len(lines[1])
    for query, right, junk in zip(queries, *lines, strict=True):
        identity, camera = query.split("_")[:2]
        same = [i for i, name in enumerate(test, 1) if name.startswith(identity)]
        assert [int(i) for i in right.split()] == [i for i in same if test[i - 1].split("_")[1] != camera]
        assert [int(i) for i in junk.split()] == [i for i in same if test[i - 1].split("_")[1] == camera]


def test_a_track_is_one_vehicle_in_one_camera_in_order_of_time(world):
    for line in (world / "test_track.txt").read_text().splitlines():
        name, *images = line.split()
        assert name == images[0]
        assert len({image.split("_")[:2].__repr__() for image in images}) == 1
        assert images == sorted(images)


class Watching(Heard):
    """Counts the workers whenever images are done."""

    workers = 0

    def advance(self, count=1, **values):
        self.workers = max(self.workers, len(multiprocessing.active_children()))


@pytest.mark.long
def test_two_processes_give_the_same_bytes(small, tmp_path):
    """With 36 images there is work for two processes."""
    more = replace(small, identities=6)
    made = {}
    for processes in (1, 2):
        with listen(watching := Watching()):
            make_world(tmp_path / str(processes), more, processes)
        made[watching.workers] = files_of(tmp_path / str(processes))
    assert made[0] == made[2]


def test_missing_or_damaged_files_are_made_again(world, small, tmp_path):
    again = tmp_path / "again"
    make_world(again, small, 1)
    lost, empty, cut = (sorted((again / f"image_{part}").iterdir())[0] for part in ("train", "query", "test"))
    lost.unlink()
    empty.write_bytes(b"")
    cut.write_bytes(cut.read_bytes()[:-50])
    (again / "gt_index.txt").write_text("1 2 3\n")
    with listen(heard := Heard()):
        make_world(again, small, 1)
    assert files_of(again) == files_of(world)
    assert heard.begun == [("make images", 24, 20)]
    assert heard.steps == 2 * 2  # two passes of two images: query and test share theirs


def test_a_finished_world_is_only_read(world, small):
    before = {path: path.stat().st_mtime_ns for path in world.rglob("*")}
    with listen(heard := Heard()):
        make_world(world, small)
    assert heard.steps == 0
    assert {path: path.stat().st_mtime_ns for path in world.rglob("*")} == before


def begin(small, out, processes):
    """Start the command in a process of its own, and wait for its first image."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(small).items()]
    command = [sys.executable, "-m", "msinet", "data", "make", str(out), *options, f"--processes={processes}"]
    # A process in the background may inherit that Ctrl-C is ignored.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 90
    while not list(out.glob("image_*/*.jpg")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    return process


def workers_of(process):
    """Return the processes that make images for another one."""
    lines = subprocess.run(
        ["ps", "-eww", "-o", "pid,ppid,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    rows = [line.split(None, 2) for line in lines[1:]]
    return [int(pid) for pid, parent, command in rows if int(parent) == process.pid and "spawn_main" in command]


@pytest.fixture(scope="module")
def long(small):
    """Settings of work that is long enough to be stopped."""
    return replace(small, identities=8, images_per_camera=8)


@pytest.fixture(scope="module")
def whole(long, tmp_path_factory):
    """Files of the work that nobody stopped."""
    out = tmp_path_factory.mktemp("whole") / "world"
    make_world(out, long, 1)
    return files_of(out)


@pytest.mark.long
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_resumes_with_the_same_bytes(long, whole, tmp_path, processes, how):
    """And leaves no process behind."""
    process = begin(long, tmp_path / "stopped", processes)
    workers = workers_of(process)
    assert len(workers) == (processes if processes > 1 else 0)
    os.killpg(process.pid, how) if how == signal.SIGINT else process.kill()
    _, words = process.communicate(timeout=30)
    assert process.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in words
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert 0 < len(list((tmp_path / "stopped").glob("image_*/*.jpg"))) < 8 * 3 * 8
    make_world(tmp_path / "stopped", long, 1)
    made = {name: data for name, data in files_of(tmp_path / "stopped").items() if not name.endswith(".unfinished")}
    assert made == whole


@pytest.mark.long
def test_a_killed_worker_is_reported(small, tmp_path):
    process = begin(replace(small, identities=8, images_per_camera=8), tmp_path / "killed", 2)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    _, words = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "a worker was killed" in words
    assert "Traceback" not in words


def test_a_folder_with_an_unfinished_first_file_is_used(small, world, tmp_path):
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "world.json.unfinished").write_text("{")
    make_world(tmp_path / "begun", small, 1)
    assert files_of(tmp_path / "begun") == files_of(world)


def test_a_full_disk_stops_it_and_loses_nothing(world, small, tmp_path):
    def fill_up(size):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            make_world(tmp_path / "full", small, 1)
        except FileError as error:
            os._exit(3 if "write elsewhere" in str(error) else 4)
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=fill_up, args=(1400,))
    process.start()
    process.join()
    assert process.exitcode == 3
    make_world(tmp_path / "full", small, 1)
    assert files_of(tmp_path / "full") == files_of(world)


@pytest.mark.parametrize("processes", [0, -1])
def test_at_least_one_process_is_needed(small, tmp_path, processes):
    with pytest.raises(SettingsError, match=f"processes is {processes}: it must be at least 1") as error:
        make_world(tmp_path / "none", small, processes)
    assert error.value.settings == ("processes",)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("identities", "share", "test"), [(2, 0.25, 1), (10, 0.25, 2), (3, 0.99, 2), (4, 0.0, 0), (4, 1.0, 4)]
)
def test_both_sides_have_a_vehicle_unless_the_share_is_0_or_1(identities, share, test):
    assert WorldSettings(identities=identities, test_share=share).test_identities == test


def test_more_vehicles_leave_the_first_ones_unchanged(world, small, tmp_path):
    """Images depend on the vehicle and the camera alone; only the split may change."""
    make_world(tmp_path / "more", replace(small, identities=5, test_share=0.4), 1)
    before = {path.name: path.read_bytes() for path in world.rglob("000[1-4]*.jpg")}
    after = {path.name: path.read_bytes() for path in (tmp_path / "more").rglob("000[1-4]*.jpg")}
    assert after == before


def test_another_seed_is_another_world(world, small, tmp_path):
    make_world(tmp_path / "other", replace(small, seed=4, identities=2, test_share=0), 1)
    ours, theirs = ({path.read_bytes() for path in folder.rglob("*.jpg")} for folder in (world, tmp_path / "other"))
    assert ours.isdisjoint(theirs)


def test_a_world_with_other_settings_is_not_changed(world, small):
    before = files_of(world)
    with pytest.raises(DatasetError, match=r"other settings.*\n  size: 32 instead of 64\n  city: day instead of night"):
        make_world(world, replace(small, size=64, city="night"), 1)
    assert files_of(world) == before


def test_a_folder_with_something_else_is_not_changed(small, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"dear")
    with pytest.raises(DatasetError, match="holds something else"):
        make_world(tmp_path, small, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_world_with_more_settings_is_another_one(world, small, tmp_path):
    values = json.loads((world / "world.json").read_text()) | {"moons": 2}
    (tmp_path / "world.json").write_text(json.dumps(values))
    with pytest.raises(DatasetError, match="moons: 2 instead of None"):
        make_world(tmp_path, small, 1)


def test_a_link_to_nothing_is_named(small, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(FileError, match="a link to nothing"):
        make_world(tmp_path / "link", small, 1)


def test_damaged_settings_are_named(small, tmp_path):
    (tmp_path / "world.json").write_text("{")
    with pytest.raises(FileError, match=r"cannot read .*world\.json"):
        make_world(tmp_path, small, 1)


def test_a_vehicle_is_in_one_camera_at_a_time():
    settings = WorldSettings(identities=30, cameras=6, images_per_camera=200)
    for identity in range(30):
        times = sorted((int(p.names[0].split("_")[2]), int(p.names[-1].split("_")[2])) for p in passes(settings, identity))
        assert all(end < start for (_, end), (start, _) in pairwise(times))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"identities": 1}, "identities is 1: it must be at least 2"),
        ({"cameras": 0}, "cameras is 0: it must lie from 1 to 999"),
        ({"cameras": 1}, "cameras is 1: no query has a match in another camera"),
        ({"city": "atlantis"}, "city is 'atlantis': choose one of day"),
        ({"images_per_camera": 1000}, "images_per_camera is 1000: it must lie from 1 to 999"),
        ({"size": 8}, "size is 8: it must lie from 16 to 2048"),
        ({"difficulty": 1.5}, "difficulty is 1.5: it must lie from 0 to 1"),
        ({"difficulty": float("nan")}, "difficulty is nan: it must lie from 0 to 1"),
        ({"test_share": -0.1}, "test_share is -0.1: it must lie from 0 to 1"),
        ({"seed": -1}, "seed is -1: it must be at least 0"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(SettingsError, match=message) as error:
        WorldSettings(**wrong)
    assert set(wrong) <= set(error.value.settings)
