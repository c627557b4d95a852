import multiprocessing
import os
import signal
import time
from dataclasses import replace

import pytest

import msinet
from msinet.engine.runtime import Silence
from msinet.errors import DatasetError, SettingsError
from msinet.world.dataset import make_world, passes
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


def test_what_is_missing_is_made_again(world, small, tmp_path):
    make_world(tmp_path / "again", small, Silence(), 1)
    lost = sorted((tmp_path / "again" / "image_train").iterdir())[0]
    empty = sorted((tmp_path / "again" / "image_query").iterdir())[0]
    lost.unlink()
    empty.write_bytes(b"")
    counting = Counting()
    make_world(tmp_path / "again", small, counting, 1)
    assert files_of(tmp_path / "again") == files_of(world)
    assert counting.made == 2 * 6  # two vehicles, all images of each


def test_killed_while_it_writes_it_ends_the_same(world, small, tmp_path):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=make_world, args=(tmp_path / "killed", small, Silence(), 1))
    process.start()
    deadline = time.monotonic() + 60
    while not list((tmp_path / "killed").glob("image_*/*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    make_world(tmp_path / "killed", small, Silence(), 1)
    made = files_of(tmp_path / "killed")
    assert {name: data for name, data in made.items() if not name.endswith(".unfinished")} == files_of(world)


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


def test_a_damaged_note_of_the_settings_is_named(small, tmp_path):
    (tmp_path / "world.json").write_text("{")
    with pytest.raises(DatasetError, match=r"world\.json cannot be read"):
        make_world(tmp_path, small, Silence(), 1)


def test_names_are_never_shared():
    settings = WorldSettings(identities=30, cameras=20, images_per_camera=3)
    names = [name for i in range(30) for _, images in passes(settings, i) for name in images]
    assert len(set(names)) == 30 * 20 * 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"identities": 1}, "identities is 1, but must be at least 2"),
        ({"cameras": 0}, "cameras is 0"),
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
