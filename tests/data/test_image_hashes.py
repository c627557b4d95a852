import os

from msinet.data.image_hashes import image_hashes
from msinet.files.content_hash import content_hash


def test_each_file_is_hashed_once_and_what_cannot_be_read_is_left_out(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"one")
    (tmp_path / "b.jpg").write_bytes(b"two" * 10**6)
    (tmp_path / "copy.jpg").write_bytes(b"one")
    os.mkfifo(tmp_path / "pipe.jpg")
    names = ("b.jpg", "none.jpg", "a.jpg", "pipe.jpg", "b.jpg", ".", "copy.jpg")
    one, two = content_hash(b"one"), content_hash(b"two" * 10**6)
    assert image_hashes(tmp_path / name for name in names) == [two, one, one]
