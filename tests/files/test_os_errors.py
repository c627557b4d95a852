"""Each error of the operating system has its own advice, of whoever reads or writes."""

import builtins
import errno
import os
from pathlib import Path

import numpy as np
import pytest

from msinet.data.readers.folder_listing import list_folder
from msinet.data.readers.image_lists import lines_of
from msinet.errors import FileError, ResultError
from msinet.evaluation.result import RetrievalResult
from msinet.files.atomic import write_atomically
from msinet.files.os_errors import in_words
from msinet.files.tensor_files import save_arrays

WRITING = {
    errno.ENOSPC: "the disk is full: free some space, or write elsewhere",
    errno.EDQUOT: "your quota on this disk is used up: free some space",
    errno.EFBIG: "the file is larger than this disk or your limit",
    errno.EACCES: "you have no right to write there",
    errno.EPERM: "you have no right to write there",
    errno.EROFS: "the disk can only be read: write elsewhere",
    errno.ENAMETOOLONG: "the name is too long for this disk: choose a shorter one",
    errno.ENOENT: "its folder has vanished",
    errno.EISDIR: "a folder of that name is in its place",
    errno.ENOTDIR: "a file is where the path needs a folder",
    errno.EEXIST: "a file, or a link to nothing, is where the path needs a folder",
    errno.EIO: "the disk reports a fault",
    errno.EMFILE: r"too many files are open: raise the limit \(ulimit -n\)",
}
READING = {
    errno.EACCES: "you have no right to read it",
    errno.EPERM: "you have no right to read it",
    errno.ENOENT: "there is no such file or folder",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENOTDIR: "a file is where the path needs a folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk reports a fault",
    errno.EMFILE: "too many files are open",
    errno.ELOOP: "links lead in a circle",
    errno.ESTALE: "the shared disk has lost sight of it",
}


def failing(number: int):
    """Return a function that fails as the system does with this number."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture(params=WRITING, ids=errno.errorcode.get)
def trouble(request) -> int:
    return request.param


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_says_why_and_leaves_the_old_file(trouble, call, tmp_path, monkeypatch):
    file = tmp_path / "a.json"
    file.write_bytes(b"old")
    monkeypatch.setattr(os, call, failing(trouble))
    with pytest.raises(FileError, match=rf"cannot write .*a\.json: {WRITING[trouble]}"):
        write_atomically(file, b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"old"}


def test_a_folder_that_cannot_be_made_says_why(trouble, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "mkdir", failing(trouble))
    with pytest.raises(FileError, match=WRITING[trouble]):
        save_arrays(tmp_path / "new" / "a.safetensors", {"a": np.zeros(1)}, {})


@pytest.mark.parametrize("number", READING, ids=errno.errorcode.get)
def test_a_folder_that_cannot_be_listed_says_why(number, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "scandir", failing(number))
    with pytest.raises(FileError, match=f"cannot list .*: {READING[number]}"):
        list_folder(tmp_path)


@pytest.mark.parametrize("number", READING, ids=errno.errorcode.get)
def test_a_list_and_a_result_that_cannot_be_read_say_why(number, tmp_path, monkeypatch):
    for name in ("read_bytes", "read_text"):
        monkeypatch.setattr(Path, name, failing(number))
    with pytest.raises(FileError, match=f"cannot read .*: {READING[number]}"):
        lines_of(tmp_path / "names.txt")
    with pytest.raises(ResultError, match=f"cannot read .*: {READING[number]}"):
        RetrievalResult.load(tmp_path / "result.json")


def test_full_disks_forbidden_folders_and_long_names_have_different_advice():
    assert len({in_words(OSError(number, ""), writing=True) for number in WRITING}) == len(WRITING) - 1  # EPERM as EACCES
    assert len({in_words(OSError(number, "")) for number in READING}) == len(READING) - 1


def test_errors_without_a_number_are_known_by_their_kind():
    assert "no such file" in in_words(FileNotFoundError("of a library: x.safetensors"))
    assert "no right" in in_words(PermissionError())


def test_errors_of_other_kinds_keep_their_own_words():
    assert in_words(OSError("image file is truncated")) == "image file is truncated"
    assert in_words(ValueError("Expecting value: line 1")) == "Expecting value: line 1"
    assert in_words(OSError(errno.EDOM, "Numerical argument out of domain")) == "Numerical argument out of domain"


def test_a_real_name_that_is_too_long_is_named(tmp_path):
    with pytest.raises(FileError, match="the name is too long for this disk"):
        write_atomically(tmp_path / ("n" * 300), b"")


def test_a_real_folder_in_the_place_of_a_file_is_named(tmp_path):
    (tmp_path / "result.json").mkdir()
    with pytest.raises(FileError, match="a folder of that name is in its place"):
        write_atomically(tmp_path / "result.json", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_files_that_cannot_be_opened_for_want_of_numbers_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(builtins, "open", failing(errno.EMFILE))
    monkeypatch.setattr(Path, "open", failing(errno.EMFILE))
    with pytest.raises(FileError, match="ulimit -n"):
        write_atomically(tmp_path / "a", b"")
