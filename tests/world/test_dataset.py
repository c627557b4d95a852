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

import msinet
from msinet.engine.runtime import Silence
from msinet.errors import CheckpointError, DatasetError, SettingsError
from msinet.world.dataset import make_world
from msinet.world.names import passes
from msinet.world.settings import WorldSettings


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Counting(Silence):
    def __init__(self):
        self.made = 0

    def advance(self, **values):
        self.made += 1


def test_it_reads_as_veri776(world):
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


def test_index_files_say_what_the_market_rule_says(world):
    """Right is the same vehicle in another camera, junk in the same; counted from 1 in name_test.txt."""
    test = (world / "name_test.txt").read_text().split()
    queries = (world / "name_query.txt").read_text().split()
    lines = [(world / f"{kind}_index.txt").read_text().splitlines() for kind in ("gt", "jk")]
    assert len(queries) == len(lines[0]) == len(lines[1])
    for query, right, junk in zip(queries, *lines, strict=True):
        identity, camera = query.split("_")[:2]
        same = [i for i, name in enumerate(test, 1) if name.startswith(identity)]
        assert [int(i) for i in right.split()] == [i for i in same if test[i - 1].split("_")[1] != camera]
        assert [int(i) for i in junk.split()] == [i for i in same if test[i - 1].split("_")[1] == camera]


def test_a_track_is_one_vehicle_in_one_camera_in_the_order_of_time(world):
    for line in (world / "test_track.txt").read_text().splitlines():
        name, *images = line.split()
        assert name == images[0]
        assert len({image.split("_")[:2].__repr__() for image in images}) == 1
        assert images == sorted(images)


def test_two_processes_give_the_same_bytes(world, small, tmp_path):
    make_world(tmp_path / "two", small, Silence(), 2)
    assert files_of(tmp_path / "two") == files_of(world)


def test_what_is_missing_or_damaged_is_made_again(world, small, tmp_path):
    again = tmp_path / "again"
    make_world(again, small, Silence(), 1)
    lost, empty, cut = (sorted((again / f"image_{part}").iterdir())[0] for part in ("train", "query", "test"))
    lost.unlink()
    empty.write_bytes(b"")
    cut.write_bytes(cut.read_bytes()[:-50])
    (again / "gt_index.txt").write_text("1 2 3\n")
    counting = Counting()
    make_world(again, small, counting, 1)
    assert files_of(again) == files_of(world)
    assert counting.made == 2 * 2  # two passes of two images: query and test share theirs


def test_a_finished_world_is_only_read(world, small):
    before = {path: path.stat().st_mtime_ns for path in world.rglob("*")}
    counting = Counting()
    make_world(world, small, counting)
    assert counting.made == 0
    assert {path: path.stat().st_mtime_ns for path in world.rglob("*")} == before


def begin(small, out, processes):
    """Start the command in a process of its own, and wait for its first image."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(small).items()]
    command = [sys.executable, "-m", "msinet", "data", "make", str(out), *options, f"--processes={processes}"]
    # Started in the background, a process may have been told to ignore Ctrl-C, and would hand that on.
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


@pytest.mark.long
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_while_it_writes_it_ends_the_same(small, tmp_path, processes, how):
    """And leaves no process behind."""
    long = replace(small, identities=8, images_per_camera=8)
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
    make_world(tmp_path / "stopped", long, Silence(), 1)
    make_world(tmp_path / "whole", long, Silence(), 1)
    made = {name: data for name, data in files_of(tmp_path / "stopped").items() if not name.endswith(".unfinished")}
    assert made == files_of(tmp_path / "whole")


@pytest.mark.long
def test_a_killed_worker_is_told(small, tmp_path):
    process = begin(replace(small, identities=8, images_per_camera=8), tmp_path / "killed", 2)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    _, words = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "a process that made images was killed" in words
    assert "Traceback" not in words


def test_killed_before_its_first_file_was_whole(small, world, tmp_path):
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "world.json.unfinished").write_text("{")
    make_world(tmp_path / "begun", small, Silence(), 1)
    assert files_of(tmp_path / "begun") == files_of(world)


def test_a_full_disk_stops_it_and_loses_nothing(world, small, tmp_path):
    def fills_up(size):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            make_world(tmp_path / "full", small, Silence(), 1)
        except CheckpointError as error:
            os._exit(3 if "write elsewhere" in str(error) else 4)
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=fills_up, args=(1400,))
    process.start()
    process.join()
    assert process.exitcode == 3
    make_world(tmp_path / "full", small, Silence(), 1)
    assert files_of(tmp_path / "full") == files_of(world)


@pytest.mark.parametrize("processes", [0, -1])
def test_no_processes_make_nothing(small, tmp_path, processes):
    with pytest.raises(SettingsError, match="take 1 or more"):
        make_world(tmp_path / "none", small, Silence(), processes)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("identities", "share", "test"), [(2, 0.25, 1), (10, 0.25, 2), (3, 0.99, 2), (4, 0.0, 0), (4, 1.0, 4)]
)
def test_both_sides_have_a_vehicle_unless_told_otherwise(identities, share, test):
    assert WorldSettings(identities=identities, test_share=share).test_identities == test


def test_more_vehicles_leave_those_that_were_there(world, small, tmp_path):
    """Apart from which are for testing: pictures hang on the vehicle and the camera alone."""
    make_world(tmp_path / "more", replace(small, identities=5, test_share=0.4), Silence(), 1)
    before = {path.name: path.read_bytes() for path in world.rglob("000[1-4]*.jpg")}
    after = {path.name: path.read_bytes() for path in (tmp_path / "more").rglob("000[1-4]*.jpg")}
    assert after == before


def test_another_seed_is_another_world(world, small, tmp_path):
    make_world(tmp_path / "other", replace(small, seed=4, identities=2, test_share=0), Silence(), 1)
    ours, theirs = ({path.read_bytes() for path in folder.rglob("*.jpg")} for folder in (world, tmp_path / "other"))
    assert ours.isdisjoint(theirs)


def test_a_world_with_other_settings_is_left_alone(world, small):
    before = files_of(world)
    with pytest.raises(DatasetError, match="another size, city"):
        make_world(world, replace(small, size=64, city="night"), Silence(), 1)
    assert files_of(world) == before


def test_a_folder_with_something_else_is_left_alone(small, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"dear")
    with pytest.raises(DatasetError, match="holds something else"):
        make_world(tmp_path, small, Silence(), 1)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_note_of_more_settings_is_another_world(world, small, tmp_path):
    values = json.loads((world / "world.json").read_text()) | {"moons": 2}
    (tmp_path / "world.json").write_text(json.dumps(values))
    with pytest.raises(DatasetError, match="another moons"):
        make_world(tmp_path, small, Silence(), 1)


def test_a_link_to_nothing_is_named(small, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(DatasetError, match="a link to nothing"):
        make_world(tmp_path / "link", small, Silence(), 1)


def test_a_damaged_note_of_the_settings_is_named(small, tmp_path):
    (tmp_path / "world.json").write_text("{")
    with pytest.raises(DatasetError, match=r"world\.json cannot be read"):
        make_world(tmp_path, small, Silence(), 1)


def test_a_vehicle_is_in_one_camera_at_a_time():
    settings = WorldSettings(identities=30, cameras=6, images_per_camera=200)
    for identity in range(30):
        times = sorted((int(p.names[0].split("_")[2]), int(p.names[-1].split("_")[2])) for p in passes(settings, identity))
        assert all(end < start for (_, end), (start, _) in pairwise(times))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"identities": 1}, "identities is 1, but must be at least 2"),
        ({"cameras": 0}, "cameras is 0"),
        ({"cameras": 1}, "with one camera"),
        ({"city": "atlantis"}, "no city 'atlantis': choose one of day"),
        ({"cameras": 1000}, "999 cameras"),
        ({"size": 8}, "at least 16"),
        ({"size": 5000}, "at most 2048"),
        ({"difficulty": 1.5}, "difficulty is 1.5, but goes from 0 to 1"),
        ({"test_share": -0.1}, "is a share"),
        ({"seed": -1}, "must not be negative"),
    ],
)
def test_settings_that_cannot_be(wrong, message):
    with pytest.raises(SettingsError, match=message):
        WorldSettings(**wrong)
