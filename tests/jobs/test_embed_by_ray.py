"""A cluster embeds a table as one machine does, whatever dies, and a second call does only what is missing."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from tests.heard import Heard
from tests.onnx_file import write_mean_colour

from msinet.data.embedding_files import load_vectors
from msinet.data.records import ImageRecord
from msinet.deploy.predictor import Predictor
from msinet.errors import DatasetError, FileError, MissingExtraError, ModelError, SettingsError
from msinet.jobs.by_ray import images as ray_images
from msinet.jobs.by_ray.cluster import LOCAL
from msinet.jobs.by_ray.cluster import cluster as ray_cluster
from msinet.jobs.by_ray.embed import RayEmbedded, embed_by_ray
from msinet.jobs.by_ray.images import RayImages
from msinet.jobs.by_ray.part import RayPart
from msinet.jobs.by_ray.places import Place
from msinet.jobs.by_ray.plan import RayPlan
from msinet.jobs.by_ray.table import RayTable
from msinet.model.runtime_file import RuntimeFile
from msinet.progress import listen

parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
ray = pytest.importorskip("ray", reason="ray is not installed")
pytest.importorskip("ray.data", reason="ray[data] is not installed")
import pyarrow  # noqa: E402
import pyarrow.fs  # noqa: E402

IMAGES = 60
ROWS = 8
"""Rows of a part."""
BROKEN = (3, 41)
"""Images that are none."""


def write_table(folder: Path, images: int = IMAGES) -> Path:
    """Write pictures of noise, some of them broken, and their table, whose groups of rows do not end where parts do."""
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(0)
    names = [f"images/{number:03}.png" for number in range(images)]
    for number, name in enumerate(names):
        pixels = random.integers(0, random.integers(1, 255, 3), (20, 12, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
        if number in BROKEN:
            (folder / name).write_bytes(b"no image")
    identities = [f"v{number // 4}" for number in range(images)]
    table = pyarrow.table({"path": names, "identity": identities, "speed": np.arange(images, dtype=np.float32)})
    parquet.write_table(table, folder / "table.parquet", row_group_size=25)
    return folder / "table.parquet"


def plan_of(table: Path | str, model: Path, out: Path | Place, rows_per_part: int = ROWS) -> RayPlan:
    out = out if isinstance(out, Place) else Place.of(out)
    plan = RayPlan(RayTable.open(str(table)), out, "onnx", model.name, rows_per_part)
    plan.begin(RuntimeFile("onnx", model))
    return plan


def parts_of(out: Path) -> list[Path]:
    return sorted(out.glob("part-*.parquet"))


class Once(NamedTuple):
    """A table that was embedded by a cluster, one process of which died."""

    table: Path
    model: Path
    out: Path
    deaths: Path
    returned: RayEmbedded
    heard: Heard

    def again(self, **other: object) -> RayEmbedded:
        return embed_by_ray(**{"table": self.table, "model": self.model, "out": self.out, "rows_per_part": ROWS, **other})


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with ray_cluster(ray, LOCAL, processors=2):
        yield


@pytest.fixture(scope="module")
def once(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Once:
    folder = tmp_path_factory.mktemp("embedded")
    table, model = write_table(folder), write_mean_colour(folder / "colour.onnx")
    deaths = folder / "deaths"

    class DiesOnce(RayPart):  # Of no module, so that Ray sends its code to the workers.
        def write(self, part: int) -> tuple[int, int]:
            if part == 2 and not deaths.exists():
                deaths.write_text(str(os.getpid()))
                beside = Path(f"{self.plan.file_of(part).path}.dead.unfinished")
                beside.write_bytes(b"half of it")
                os.kill(os.getpid(), signal.SIGKILL)
            return super().write(part)

    with pytest.MonkeyPatch.context() as patch, listen(heard := Heard()):
        patch.setattr("msinet.jobs.by_ray.embed.RayPart", DiesOnce)
        returned = embed_by_ray(table, model, folder / "out", rows_per_part=ROWS)
    return Once(table, model, folder / "out", deaths, returned, heard)


@pytest.mark.long
def test_vectors_are_those_of_one_machine_in_the_order_of_the_table_though_a_process_was_killed(once):
    assert once.deaths.read_text() != str(os.getpid())
    rows = pyarrow.concat_tables([parquet.read_table(part) for part in parts_of(once.out)])
    expected = parquet.read_table(once.table).take([n for n in range(IMAGES) if n not in BROKEN])
    assert rows.select(["path", "identity", "speed"]).equals(expected)
    alone = Predictor(once.model).embed([once.table.parent / name for name in expected["path"].to_pylist()])
    assert np.array_equal(np.stack(rows["vectors"].to_numpy()), alone.vectors)


@pytest.mark.long
def test_unreadable_images_are_named_with_the_reason_and_counted(once):
    named = [row for part in parts_of(once.out / "unreadable") for row in parquet.read_table(part).to_pylist()]
    assert [row["path"] for row in named] == ["images/003.png", "images/041.png"]
    assert {row["reason"] for row in named} == {"it is not an image, or of an unknown format"}
    assert once.returned == RayEmbedded(parts=8, rows=IMAGES - 2, unreadable=2, done_before=0)


@pytest.mark.long
def test_the_bar_counts_images(once):
    assert ("embed", IMAGES, 0) in once.heard.begun
    assert once.heard.steps == IMAGES


@pytest.mark.long
def test_the_same_call_again_makes_the_part_that_is_missing_and_nothing_else(once):
    before = {part.name: (part.stat().st_mtime_ns, part.read_bytes()) for part in parts_of(once.out)}
    (once.out / "part-000005.parquet").unlink()
    assert once.again() == RayEmbedded(parts=8, rows=ROWS - 1, unreadable=1, done_before=7)
    after = {part.name: (part.stat().st_mtime_ns, part.read_bytes()) for part in parts_of(once.out)}
    assert [name for name in before if before[name] != after[name]] == ["part-000005.parquet"]
    assert before["part-000005.parquet"][1] == after["part-000005.parquet"][1]
    assert not list(once.out.glob("*.unfinished")), "what the killed process left is removed"


@pytest.mark.long
def test_where_nothing_is_missing_no_cluster_is_asked(once, monkeypatch):
    monkeypatch.setattr("msinet.jobs.by_ray.embed._embed", None)
    assert once.again() == RayEmbedded(parts=8, rows=0, unreadable=0, done_before=8)


@pytest.mark.long
def test_another_model_table_or_size_of_parts_is_refused(once, tmp_path):
    other = write_mean_colour(tmp_path / "colour.onnx", ("B", 3, 8, 8))
    with pytest.raises(
        FileError, match=r"out was begun with another model: pass the same, or choose another folder for out"
    ):
        once.again(model=other)
    with pytest.raises(FileError, match="another table"):
        once.again(table=write_table(tmp_path / "other", images=59))
    with pytest.raises(FileError, match="rows_per_part 8"):
        once.again(rows_per_part=9)
    assert len(parts_of(once.out)) == 8


@pytest.mark.long
def test_what_stands_in_an_actors_way_ends_the_run_in_its_words(once, tmp_path, cluster):
    table, model = write_table(tmp_path, images=10), write_mean_colour(tmp_path / "colour.onnx")
    (tmp_path / "out" / "part-000001.parquet").mkdir(parents=True)  # In the way of a file.
    with pytest.raises(FileError, match=r"part 1: cannot write .*part-000001\.parquet: a folder of that name"):
        embed_by_ray(table, model, tmp_path / "out", actors=1, rows_per_part=5)


def test_a_part_is_read_by_what_reads_embeddings(tmp_path):
    plan = plan_of(write_table(tmp_path), write_mean_colour(tmp_path / "colour.onnx"), tmp_path / "out")
    RayPart(plan, tmp_path).write(1)
    part = load_vectors(tmp_path / "out" / "part-000001.parquet")
    assert [record.identity for record in part.records] == ["v2"] * 4 + ["v3"] * 4
    assert part.vectors.shape == (8, 3)


def test_a_part_of_no_readable_image_is_there_and_empty(tmp_path):
    table, model = write_table(tmp_path), write_mean_colour(tmp_path / "colour.onnx")
    for number in range(16, 24):
        (tmp_path / f"images/{number:03}.png").unlink()
    plan = plan_of(table, model, tmp_path / "out")
    assert RayPart(plan, tmp_path).write(2) == (0, 8)
    assert parquet.read_table(tmp_path / "out" / "part-000002.parquet").num_rows == 0
    reasons = parquet.read_table(tmp_path / "out" / "unreadable" / "part-000002.parquet")["reason"].to_pylist()
    assert reasons == ["there is no such file"] * 8


def test_images_that_were_mended_are_no_longer_named(tmp_path):
    table, model = write_table(tmp_path), write_mean_colour(tmp_path / "colour.onnx")
    plan = plan_of(table, model, tmp_path / "out")
    assert RayPart(plan, tmp_path).write(0) == (7, 1)
    Image.new("RGB", (8, 8), "red").save(tmp_path / "images/003.png")
    assert RayPart(plan, tmp_path).write(0) == (8, 0)
    assert not parts_of(tmp_path / "out" / "unreadable")


@pytest.mark.parametrize("rows", [1, 7, 25, 26, 60, 100])
def test_parts_together_are_the_table(tmp_path, rows):
    path = write_table(tmp_path)
    plan = RayPlan(RayTable.open(str(path)), Place.of(tmp_path / "out"), "onnx", "colour.onnx", rows)
    together = pyarrow.concat_tables([plan.table.read(*plan.rows_of(part)) for part in range(plan.parts)])
    assert together.equals(parquet.read_table(path))


def test_a_folder_of_tables_is_one_table_in_the_order_of_names(tmp_path):
    for name, numbers in (("b", range(3, 5)), ("a", range(3)), ("c", range(0))):
        table = pyarrow.table({" Path": pyarrow.array([f"{number}.jpg" for number in numbers], pyarrow.string())})
        parquet.write_table(table, tmp_path / f"{name}.parquet")
    table = RayTable.open(str(tmp_path))
    assert table.read(1, 5)["path"].to_pylist() == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    assert table.folder.path == str(tmp_path)


def test_tables_of_the_same_size_are_told_apart(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        parquet.write_table(pyarrow.table({"path": [f"{name}.jpg"]}), tmp_path / name / "t.parquet")
    first, second = (tmp_path / name / "t.parquet" for name in "ab")
    assert first.stat().st_size == second.stat().st_size
    assert RayTable.open(str(first)).fingerprint != RayTable.open(str(second)).fingerprint
    assert RayTable.open(str(first)).fingerprint == RayTable.open(first.as_uri()).fingerprint


@pytest.mark.parametrize(
    "columns, said",
    [
        ({"file": ["1.jpg"]}, r"no column path\. It has:\n  'file'"),
        ({"path": [1]}, "path of .* is int64: write the path of one image a row, as text"),
        ({"path": pyarrow.array([], pyarrow.string())}, "has no rows"),
        ({"path": ["1.jpg"], "vectors": [1]}, "has a column vectors, which the embeddings need: rename it"),
        ({"path": ["1.jpg"], "Path": ["1.jpg"]}, "two columns of the same name"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, columns, said):
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    with pytest.raises(DatasetError, match=said):
        embed_by_ray(tmp_path / "t.parquet", write_mean_colour(tmp_path / "colour.onnx"), tmp_path / "out")


def test_what_cannot_be_read_is_refused_before_a_cluster_is_started(tmp_path):
    model = write_mean_colour(tmp_path / "colour.onnx")
    with pytest.raises(FileError, match=r"cannot read .*no\.parquet: there is no such file or folder"):
        embed_by_ray(tmp_path / "no.parquet", model, tmp_path / "out")
    (tmp_path / "no.parquet").write_bytes(b"path\n1.jpg\n")
    with pytest.raises(FileError, match=r"cannot read .*no\.parquet: .*Parquet"):
        embed_by_ray(tmp_path / "no.parquet", model, tmp_path / "out")
    with pytest.raises(FileError, match="nowhere://table leads nowhere"):
        embed_by_ray("nowhere://table", model, tmp_path / "out")
    with pytest.raises(ModelError, match="no such file"):
        embed_by_ray(tmp_path / "no.parquet", tmp_path / "no.onnx", tmp_path / "out")
    with pytest.raises(SettingsError, match="rows_per_part is 0"):
        embed_by_ray(tmp_path / "no.parquet", model, tmp_path / "out", rows_per_part=0)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_tables_of_others_is_not_written_to(tmp_path):
    table, model = write_table(tmp_path), write_mean_colour(tmp_path / "colour.onnx")
    with pytest.raises(FileError, match=r"has Parquet files and no plan\.json: choose an empty folder for out"):
        embed_by_ray(table, model, tmp_path)


def test_without_ray_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(MissingExtraError, match=r"pip install \"msinet\[ray\]\""):
        embed_by_ray(tmp_path / "t.parquet", tmp_path / "colour.onnx", tmp_path / "out")


@pytest.fixture
def store() -> Callable[[str], Place]:
    """Return a function that makes places in a store that is no disk."""
    memory = pytest.importorskip("fsspec.implementations.memory", reason="fsspec is not installed").MemoryFileSystem()
    memory.store.clear()
    system = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(memory))
    return lambda path: Place(system, path)


def test_a_store_that_is_no_disk_holds_parts_model_and_images_too(tmp_path, store):
    table, model = write_table(tmp_path), write_mean_colour(tmp_path / "colour.onnx")
    for path in sorted((tmp_path / "images").iterdir()):
        store(f"/bucket/images/{path.name}").write(path.read_bytes())
    plan = plan_of(table, model, store("/bucket/out"))
    there = replace(plan, table=replace(plan.table, folder=store("/bucket")))
    assert RayPart(there, tmp_path).write(0) == (7, 1)
    assert RayPart(plan_of(table, model, tmp_path / "out"), tmp_path).write(0) == (7, 1)
    for name in ("part-000000.parquet", "unreadable/part-000000.parquet", "plan.json", "model/colour.onnx"):
        assert (plan.out / name).read() == (tmp_path / "out" / name).read_bytes()
    assert plan.begin(RuntimeFile("onnx", model)) == [1, 2, 3, 4, 5, 6, 7]


def test_a_store_that_does_not_answer_makes_no_image_unreadable(store, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_images, "WAITS", (0, 0))
    answers: list[OSError | bytes] = [
        OSError("SLOW_DOWN"),
        b"content",
        *[OSError("no network")] * 3,
        OSError("ACCESS_DENIED"),
    ]

    def read(place: Place) -> bytes:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(Place, "read", read)
    images = RayImages(store("/bucket"), tmp_path)
    assert images.fetch("1.jpg") == b"content"
    with pytest.raises(FileError, match="no network; run the same again when the store answers"):
        images.fetch("1.jpg")
    assert images.fetch("1.jpg") == "you have no right to read it, or there is no such file"


def test_paths_are_found_as_tables_write_them(tmp_path):
    (tmp_path / "data" / "a b").mkdir(parents=True)
    (tmp_path / "data" / "a b" / "1.jpg").write_bytes(b"1")
    (tmp_path / "2.jpg").write_bytes(b"2")
    images = RayImages(Place.of(tmp_path / "data"), tmp_path)
    assert [images.fetch(cell) for cell in ("a b/1.jpg", "a b\\1.jpg", b"a b/1.jpg", " a b/1.jpg ")] == [b"1"] * 4
    assert images.fetch((tmp_path / "data" / "a b" / "1.jpg").as_uri()) == b"1"
    assert images.fetch(str(tmp_path / "2.jpg")) == images.fetch("2.jpg") == b"2"
    assert images.fetch("a b") == images.fetch("file:///nowhere.jpg") == "there is no such file"
    assert images.fetch(None) == images.fetch("  ") == "path is empty"
    assert "nowhere://x/ leads nowhere" in str(images.fetch("nowhere://x/1.jpg"))


def test_a_description_of_pixels_belongs_to_the_model(tmp_path):
    table, model = write_table(tmp_path), write_mean_colour(tmp_path / "colour.onnx")
    before = plan_of(table, model, tmp_path / "out")
    (tmp_path / "colour.pixels.json").write_text('{"order": "BGR"}')
    with pytest.raises(FileError, match="another model"):
        before.begin(RuntimeFile("onnx", model))
    plan = plan_of(table, model, tmp_path / "bgr")
    described = RayPart(plan, tmp_path).predictor.pixels
    assert described and described.order == "BGR"


def test_records_and_cells_name_the_same_image(tmp_path):
    """The vector of a cell is that of the record of the same path."""
    table, model = write_table(tmp_path), write_mean_colour(tmp_path / "colour.onnx")
    plan = plan_of(table, model, tmp_path / "out")
    RayPart(plan, tmp_path).write(7)
    rows = parquet.read_table(tmp_path / "out" / "part-000007.parquet")
    records = [ImageRecord(tmp_path / name) for name in rows["path"].to_pylist()]
    assert np.array_equal(Predictor(model).embed_records(records).vectors, np.stack(rows["vectors"].to_numpy()))
