"""The store keeps what it took, whatever happens to the process, the disk or the file."""

import os
import sqlite3
import subprocess
import sys
import threading

import pytest
from tests.gallery.conftest import DIM, unit

from msinet.errors import BusyError, FileError, ModelError
from msinet.gallery import database, schema
from msinet.gallery.checking import check_gallery
from msinet.gallery.gallery import Gallery
from msinet.jobs.gallery import rescue_gallery

KILLER = """
import os, signal, sys, time
import numpy as np
from msinet.gallery.gallery import Gallery

folder, rng = sys.argv[1], np.random.default_rng(0)
for seed in range(50):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        gallery = Gallery.open(folder)
        for number in range(100_000):
            vector = np.random.default_rng([seed, number]).standard_normal(16).astype(np.float32)
            added = gallery.add(vector, identity=f"{seed}-{number}", fields={"number": number})
            os.write(write, f"{added.ids[0]} {seed}-{number}\\n".encode())
    os.close(write)
    with open(read) as acknowledged:
        for _ in range(rng.integers(1, 30)):
            print(acknowledged.readline(), end="")
        time.sleep(rng.uniform(0, 0.01))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(acknowledged.read(), end="")
"""
"""Adds in a child, kills it at 50 seeded moments, and prints the additions that had returned."""


def test_additions_that_returned_outlive_kills_at_50_moments(of_vectors):
    done = subprocess.run([sys.executable, "-c", KILLER, str(of_vectors.place)], capture_output=True, text=True, check=True)
    acknowledged = dict(line.split() for line in done.stdout.splitlines())
    there = {str(entry.id): entry for entry in of_vectors.find()}
    assert len(acknowledged) > 300
    assert {id: there[id].identity for id in acknowledged} == acknowledged
    assert all(entry.fields["number"] == entry.identity.partition("-")[2] for entry in there.values())
    assert len(of_vectors.store.vectors(map(int, there))[0]) == len(there)
    assert check_gallery(of_vectors.place).is_good


def test_each_commit_is_written_through(of_vectors):
    ((mode,),) = of_vectors.store.database.rows("PRAGMA synchronous")
    ((journal,),) = of_vectors.store.database.rows("PRAGMA journal_mode")
    assert (mode, journal) == (2, "wal")


def test_two_writers_wait_for_each_other(of_vectors):
    def add(seed):
        own = Gallery.open(of_vectors.place)
        for vector in unit(40, seed):
            own.add(vector)

    threads = [threading.Thread(target=add, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(of_vectors) == 160


def test_a_writer_that_waits_too_long_says_so(of_vectors, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    waiting = Gallery.open(of_vectors.place)
    with of_vectors.store.database.writing(), pytest.raises(BusyError, match="another process has been writing"):
        waiting.add(unit(1))


def test_a_reader_reads_while_somebody_writes(of_vectors):
    of_vectors.add(unit(5))
    reader = Gallery.open(of_vectors.place, read_only=True)
    with of_vectors.store.database.writing() as writing:
        writing.execute("DELETE FROM entries")
        assert len(reader) == 5


def test_an_addition_that_fails_adds_nothing(of_vectors, monkeypatch):
    of_vectors.add(unit(2))
    store = of_vectors.store
    with pytest.raises(FileError, match=r"disk .* is full"):
        ((pages,),) = store.database.rows("PRAGMA page_count")
        store.database.connection.execute(f"PRAGMA max_page_count = {pages}")
        of_vectors.add(unit(4_000, seed=5))
    assert len(of_vectors) == 2
    assert len(of_vectors.query(unit(1)[0]).matches) == 2
    store.database.connection.execute("PRAGMA max_page_count = 1000000")
    assert of_vectors.add(unit(4_000, seed=5)).new == 4_000


def test_a_gallery_that_is_read_only_refuses_additions_and_answers(of_vectors):
    of_vectors.add(unit(3))
    reader = Gallery.open(of_vectors.place, read_only=True)
    with pytest.raises(FileError, match="cannot be written to"):
        reader.add(unit(1, seed=2))
    assert len(reader.query(unit(1)[0]).matches) == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_can_be_read(of_vectors):
    of_vectors.add(unit(3))
    of_vectors.store.database.close()
    of_vectors.place.chmod(0o500)
    try:
        assert len(Gallery.open(of_vectors.place, read_only=True).query(unit(1)[0]).matches) == 3
    finally:
        of_vectors.place.chmod(0o700)


def changed(folder, statement):
    with sqlite3.connect(folder / "gallery.sqlite") as connection:
        connection.execute(statement)
    connection.close()


def test_a_later_version_is_refused(of_vectors):
    changed(of_vectors.place, "PRAGMA user_version = 99")
    with pytest.raises(ModelError, match="later version"):
        Gallery.open(of_vectors.place)


def test_a_database_of_something_else_is_refused(of_vectors):
    changed(of_vectors.place, "PRAGMA application_id = 5")
    with pytest.raises(ModelError, match="something else"):
        Gallery.open(of_vectors.place)


def test_a_migration_is_done_once_and_wholly(tmp_path):
    connection = sqlite3.connect(tmp_path / "old.sqlite", isolation_level=None)
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION}")
    connection.execute("CREATE TABLE old (a)")

    def fails(one):
        one.execute("ALTER TABLE old ADD COLUMN b")
        raise sqlite3.OperationalError("no room")

    with pytest.raises(sqlite3.OperationalError):
        schema.require_version(connection, "old", {0: fails})
    assert [row[1] for row in connection.execute("PRAGMA table_info(old)")] == ["a"]
    schema.require_version(connection, "old", {0: lambda one: one.execute("ALTER TABLE old ADD COLUMN b")})
    assert [row[1] for row in connection.execute("PRAGMA table_info(old)")] == ["a", "b"]
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def damaged(gallery, share):
    """Overwrite some pages in the middle of a gallery's database."""
    gallery.vacuum()
    gallery.store.database.close()
    file = gallery.place / "gallery.sqlite"
    content = bytearray(file.read_bytes())
    start = int(len(content) * share) // database.PAGE * database.PAGE
    content[start : start + 2 * database.PAGE] = b"\x5a" * 2 * database.PAGE
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_what_can_be_read_of_a_damaged_database_is_saved(of_vectors, tmp_path, share):
    vectors = unit(4_000)
    of_vectors.add(vectors, camera="c", fields={"lane": "2"})
    damaged(of_vectors, share)
    found = check_gallery(of_vectors.place)
    assert found.faults
    saved = rescue_gallery(of_vectors.place, tmp_path / "saved")
    assert 1_000 < saved <= 4_000
    rescued = Gallery.open(tmp_path / "saved")
    assert check_gallery(rescued.place).is_good
    kept = rescued.store.vectors(entry.id for entry in rescued.find())[1]
    assert (kept @ vectors.T).max(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_file_without_anything_to_save_is_named(tmp_path):
    (tmp_path / "gallery.sqlite").write_bytes(b"nothing" * 1000)
    with pytest.raises(FileError, match=r"damaged|nothing of"):
        rescue_gallery(tmp_path, tmp_path / "saved")


def test_what_was_said_of_entries_goes_with_them(of_vectors):
    of_vectors.add(unit(3))
    of_vectors.store.judge(3, 1, True)
    of_vectors.store.judge(1, 2, False)
    assert of_vectors.store.verdicts() == [(1, 2, False), (1, 3, True)]
    of_vectors.store.judge(2, 1, None)
    of_vectors.remove([3])
    assert of_vectors.store.verdicts() == []


def test_vectors_are_those_that_were_added(of_vectors):
    vectors = unit(10, dim=DIM)
    of_vectors.add(vectors)
    assert of_vectors.store.vectors(range(1, 11))[1] == pytest.approx(vectors, abs=1e-7)


def test_vacuum_leaves_no_trace(of_vectors):
    secret = unit(1, seed=77)[0]
    of_vectors.add(unit(40))
    of_vectors.add(secret, identity="somebody who wants to be forgotten")
    of_vectors.remove(identity="somebody who wants to be forgotten")
    of_vectors.vacuum()
    content = b"".join(file.read_bytes() for file in of_vectors.place.iterdir())
    assert b"wants to be forgotten" not in content
    assert secret.tobytes() not in content
    assert len(of_vectors.query(secret, top_k=50).matches) == 40
