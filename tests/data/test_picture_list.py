"""A dataset is known again by the content of its pictures; files whose sizes and times are known are not read."""

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.heard import Heard

from msinet.data import picture_list
from msinet.data.picture_list import PictureList
from msinet.data.records import ImageRecord, ReidSplits, RetrievalTask
from msinet.errors import FileError
from msinet.progress import listen


@pytest.fixture(autouse=True)
def old_files_and_no_memory(monkeypatch):
    """Let files of this moment count as old, and forget the lists of other tests."""
    monkeypatch.setattr(picture_list, "JUST_NOW", -(10**12))
    monkeypatch.setattr(picture_list, "_last", (np.zeros((0, 4), np.int64), np.zeros((0, 16), np.uint8)))


def write(folder: Path, names: str, identity: str = "car") -> ReidSplits:
    """Write a file for each name, and return the files as training images."""
    folder.mkdir(exist_ok=True)
    for name in names.split():
        (folder / name).write_bytes(f"pixels of {name}".encode())
    return ReidSplits("d", train=tuple(ImageRecord(folder / name, identity, "c1") for name in names.split()))


def read_again(splits: ReidSplits, *known: PictureList) -> int:
    """Return how many files are read where some lists are known, in a process that knows no others."""
    picture_list._last = np.zeros((0, 4), np.int64), np.zeros((0, 16), np.uint8)
    with listen(heard := Heard()):
        PictureList.of(splits, known)
    return heard.steps


def test_a_copy_in_another_folder_with_other_times_is_the_same_data(tmp_path):
    here = write(tmp_path / "here", "a b c")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    for file in (tmp_path / "there").iterdir():
        os.utime(file, (0, 0))
    there = replace(here, train=tuple(replace(r, path=tmp_path / "there" / r.path.name) for r in here.train))
    one, other = PictureList.of(here), PictureList.of(there)
    assert one.digest == other.digest
    assert other.changes_since(one) == []


def test_other_content_under_the_same_name_size_and_time_is_other_data(tmp_path):
    splits = write(tmp_path, "a b")
    before, times = PictureList.of(splits), (tmp_path / "a").stat()
    time.sleep(0.02)  # The time of the last change, which cannot be set, advances in steps.
    (tmp_path / "a").write_bytes(b"pixels of z")
    os.utime(tmp_path / "a", ns=(times.st_atime_ns, times.st_mtime_ns))
    after = PictureList.of(splits, [before])
    assert after.digest != before.digest
    assert after.changes_since(before) == ["1 image changed (the first: a)"]


def test_a_file_put_in_the_place_of_another_is_read(tmp_path):
    """Its size and times are those of the file before, as `mv` and archives leave them."""
    splits = write(tmp_path / "set", "a b")
    before, times = PictureList.of(splits), (tmp_path / "set" / "a").stat()
    (tmp_path / "new").write_bytes(b"pixels of z")
    os.utime(tmp_path / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
    (tmp_path / "new").replace(tmp_path / "set" / "a")
    assert PictureList.of(splits, [before]).digest != before.digest


def test_known_files_are_not_read_again(tmp_path):
    splits = write(tmp_path, "a b c")
    known = PictureList.of(splits)
    assert read_again(splits) == 3
    assert read_again(splits, known) == 0
    (tmp_path / "b").write_bytes(b"other")
    assert read_again(splits, known) == 1
    assert read_again(write(tmp_path / "more", "a b"), known) == 2


def test_a_second_list_in_one_process_reads_nothing(tmp_path):
    splits = write(tmp_path, "a b c")
    with listen(heard := Heard()):
        assert PictureList.of(splits).digest == PictureList.of(splits).digest
    assert heard.steps == 3


def test_a_folder_that_was_renamed_is_not_read_again(tmp_path):
    here = write(tmp_path / "here", "a b")
    known = PictureList.of(here)
    (tmp_path / "here").rename(tmp_path / "there")
    there = replace(here, train=tuple(replace(r, path=tmp_path / "there" / r.path.name) for r in here.train))
    assert read_again(there, known) == 0


def test_files_written_a_moment_ago_are_read_again(tmp_path, monkeypatch):
    """Another change in the same moment may leave size and times as they are."""
    monkeypatch.setattr(picture_list, "JUST_NOW", 2 * 10**9)
    splits = write(tmp_path, "a b")
    assert read_again(splits, PictureList.of(splits)) == 2


def test_a_file_in_several_parts_is_read_once(tmp_path):
    splits = write(tmp_path, "a b")
    everywhere = replace(
        splits, query=splits.train, gallery=splits.train, tasks={"2": RetrievalTask(splits.train, splits.train)}
    )
    assert read_again(everywhere) == 2


def test_the_list_comes_back_from_its_file(tmp_path):
    splits = write(tmp_path / "set", "a b")
    odd = ImageRecord(Path(os.fsdecode(b"\xb3.jpg")), "größer", None, "t1")
    splits = replace(splits, query=(odd, replace(odd, path=tmp_path / "nowhere")))
    made = PictureList.of(splits)
    made.save(tmp_path / "train.data.npz")
    again = PictureList.load(tmp_path / "train.data.npz")
    assert made.same_as(again)
    assert again.digest == made.digest


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 and no more", None])
def test_a_damaged_list_is_no_list(tmp_path, damage):
    file = tmp_path / "train.data.npz"
    PictureList.of(write(tmp_path / "set", "a b")).save(file)
    file.write_bytes(file.read_bytes()[:-40] if damage is None else damage)
    assert PictureList.load(file) is None
    assert PictureList.load(tmp_path / "nowhere.npz") is None


def test_missing_files_pipes_and_folders_are_no_pictures_and_nothing_waits_for_them(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    names = ("pipe", "nowhere", ".", "nowhere/deeper")
    found = PictureList.of(ReidSplits("d", train=tuple(ImageRecord(tmp_path / name, "car") for name in names)))
    assert not found.hashes.any()


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    splits = write(tmp_path, "a b")
    monkeypatch.setattr(picture_list, "file_hash", refuse)
    with pytest.raises(FileError, match=rf"cannot read {tmp_path}/a: you have no right to read it"):
        PictureList.of(splits)


@pytest.mark.parametrize("slow", [-1.0, 1e9], ids=["threads", "one after the other"])
def test_slow_and_fast_disks_give_the_same_list(tmp_path, monkeypatch, slow):
    names = " ".join(f"{number:03}.jpg" for number in range(600))
    splits = write(tmp_path, names)
    monkeypatch.setattr(picture_list, "SLOW", slow)
    hashes = PictureList.of(splits).hashes
    expected = [picture_list.blake2b((tmp_path / name).read_bytes(), digest_size=16).digest() for name in names.split()]
    assert [row.tobytes() for row in hashes] == expected


def test_no_pictures_have_a_digest_too():
    assert PictureList.of(ReidSplits("d")).digest == PictureList.of(ReidSplits("e")).digest
