import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.heard import Heard

from msinet.data.doctor.checks import examine
from msinet.data.doctor.report import report_of
from msinet.data.records import ImageRecord, ReidSplits, RetrievalTask, Skipped
from msinet.progress import listen


def picture(path: Path, seed: int, size=(64, 48)) -> Path:
    """Write a picture of soft blotches that follow from the seed."""
    blotches = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(blotches).resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
    return path


@pytest.fixture
def healthy(tmp_path) -> ReidSplits:
    """32 training and 4 test vehicles with two images in each of two cameras; test images are query and gallery."""
    records = [
        ImageRecord(picture(tmp_path / f"{v:02}_{c}_{n}.jpg", 1000 * v + 10 * c + n), f"{v:02}", f"c{c}")
        for v in range(36)
        for c in (1, 2)
        for n in (1, 2)
    ]
    test = tuple(records[128:])
    return ReidSplits("healthy", train=tuple(records[:128]), query=test, gallery=test)


def found(splits) -> dict[str, int]:
    return {finding.name: finding.count for finding in examine(splits)}


def swapped(splits, split, position, **changes) -> ReidSplits:
    records = list(getattr(splits, split))
    records[position] = replace(records[position], **changes)
    return replace(splits, **{split: tuple(records)})


def test_a_healthy_dataset_has_no_findings(healthy):
    assert examine(healthy) == []


def test_every_file_is_counted_once(healthy):
    with listen(heard := Heard()):
        examine(healthy)
    assert (heard.begun, heard.steps) == ([("check images", 144, 0)], 144)


def test_missing_and_broken_files(healthy):
    healthy.train[0].path.unlink()
    whole = healthy.train[1].path.read_bytes()
    healthy.train[1].path.write_bytes(whole[: len(whole) // 2])
    healthy.train[2].path.write_bytes(b"")
    by_name = {finding.name: finding for finding in examine(healthy)}
    assert by_name["missing images"].examples == (str(healthy.train[0].path),)
    assert by_name["unreadable images"].count == 2
    assert "truncated" in by_name["unreadable images"].examples[0]
    assert "empty (0 bytes)" in by_name["unreadable images"].examples[1]


def test_files_that_the_reader_left_out_are_found(healthy):
    assert found(replace(healthy, skipped=(Skipped(Path(__file__), "not an image"),))) == {"files left out": 1}


def test_a_remark_of_the_reader_is_found_and_spoils_nothing(healthy):
    (finding,) = examine(replace(healthy, remarks=("differs from the published VeRi-776: it is smaller",)))
    assert (finding.name, finding.spoils, finding.count) == ("not the published dataset", False, 1)
    assert finding.examples == ("differs from the published VeRi-776: it is smaller",)


@pytest.mark.parametrize("protocol", ["vehicleid", "no-camera"])
def test_a_protocol_without_cameras_misses_none(healthy, protocol):
    bare = [tuple(replace(record, camera=None) for record in part) for part in (healthy.train, healthy.query)]
    assert examine(replace(healthy, train=bare[0], query=bare[1], gallery=bare[1], protocol=protocol)) == []


def test_every_task_is_checked_and_each_query_counts_once(healthy):
    small = RetrievalTask(healthy.query[:4], healthy.gallery[:2])
    large = RetrievalTask(healthy.query[:8], healthy.gallery[:2])
    splits = replace(healthy, query=small.query, gallery=small.gallery, tasks={"1": small, "2": large})
    assert found(splits) == {
        "query identities missing from the gallery": 4,
        "queries without a match in another camera": 2,
    }


def test_identities_in_two_roles(healthy):
    assert found(swapped(healthy, "train", 0, identity="33"))["identities in both train and test"] == 1
    validation = replace(healthy, validation=healthy.train[:4])
    assert found(validation)["validation identities in train or test"] == 1


@pytest.mark.parametrize("how", ["bytes", "saved again", "smaller"])
@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        (("train", 0), ("train", 4), "same image under two identities"),
        (("train", 0), ("train", 1), "duplicate images"),
        (("query", 0), ("query", 2), "query images that are their own match"),
        (("query", 0), ("query", 1), "duplicate images"),
    ],
)
def test_one_image_in_two_files(healthy, how, one, other, name):
    """The records of a vehicle: 0 and 1 in one camera, 2 and 3 in the other; 4 is the next vehicle's first."""
    source, target = (getattr(healthy, split)[position].path for split, position in (one, other))
    image = Image.open(source)
    if how == "bytes":
        target.write_bytes(source.read_bytes())
    elif how == "saved again":
        image.save(target, quality=60)
    else:
        image.resize((44, 33), Image.Resampling.LANCZOS).save(target, quality=80)
    assert found(healthy) == {name: 1}


def test_one_image_in_train_and_test(healthy):
    """With the same identity in both as well: the worse of two faults is named."""
    copy = ImageRecord(picture(healthy.train[0].path.with_name("copy.jpg"), 33_011), "33", "c1")
    assert found(replace(healthy, train=(*healthy.train, copy)))["same image in train and test"] == 1
    both = replace(healthy, train=(*healthy.train, healthy.query[4]))
    assert found(both)["same image in train and test"] == 1


def test_a_query_may_be_in_the_gallery_under_its_own_camera(healthy):
    """As in VeRi-776, where both folders hold a copy."""
    query = healthy.query[0]
    copy = query.path.with_name("query.jpg")
    copy.write_bytes(query.path.read_bytes())
    assert found(replace(healthy, query=(replace(query, path=copy), *healthy.query[1:]), gallery=healthy.gallery)) == {}


def test_without_cameras_a_copy_is_its_own_match(healthy):
    bare = [tuple(replace(record, camera=None) for record in part) for part in (healthy.train, healthy.query)]
    splits = replace(healthy, train=bare[0], query=bare[1], gallery=bare[1])
    assert found(splits) == {"no cameras": 144}
    bare[1][1].path.write_bytes(bare[1][0].path.read_bytes())
    assert found(splits)["query images that are their own match"] == 1


@pytest.mark.parametrize(
    ("others", "finding"),
    [(4, {}), (3, {"queries without a match besides themselves": 1}), (0, {"no query has a match besides itself": 4})],
)
def test_without_cameras_a_query_needs_another_file(healthy, others, finding):
    """The first image of each of 4 vehicles is query and gallery; some vehicles have another gallery image."""
    test = [replace(record, camera=None) for record in healthy.query]
    first, second = test[::4], test[1::4]
    splits = replace(healthy, query=tuple(first), gallery=(*first, *second[:others]), protocol="no-camera")
    assert {name: n for name, n in found(splits).items() if "match" in name} == finding


def test_identities_that_teach_little(healthy):
    train = [record for record in healthy.train if record.identity not in ("00", "01")]
    lonely, one_camera = healthy.train[:1], healthy.train[4:6]
    result = found(replace(healthy, train=(*train, *lonely, *one_camera)))
    assert result == {"training identities with one image": 1, "training identities in one camera": 1}


def test_few_identities(healthy):
    assert found(replace(healthy, train=healthy.train[:100])) == {"few training identities": 25}


def test_an_identity_with_most_of_the_images(healthy, tmp_path):
    many = [ImageRecord(picture(tmp_path / f"many{i}.jpg", 90_000 + i), "00", "c1") for i in range(100)]
    assert found(replace(healthy, train=(*healthy.train, *many))) == {"identities with far more images than others": 1}


def test_no_query_identity_is_in_the_gallery(healthy):
    """The most frequent question to re-identification projects; leading zeros are the most frequent cause."""
    queries = tuple(replace(record, identity=record.identity.lstrip("0") + " ") for record in healthy.query)
    (finding,) = [f for f in examine(replace(healthy, query=queries)) if f.name.startswith("no query")]
    assert (finding.name, finding.spoils) == ("no query identity in the gallery", True)
    assert "leading zeros" in finding.advice


def test_some_queries_have_no_match(healthy):
    gallery = tuple(r for r in healthy.gallery if r.identity != "32" and (r.identity != "33" or r.camera == "c1"))
    result = found(replace(healthy, gallery=gallery))
    assert result == {
        "query identities missing from the gallery": 4,
        "queries without a match in another camera": 2,
    }


def test_no_query_has_a_match_in_another_camera(healthy):
    splits = replace(healthy, **{s: tuple(r for r in getattr(healthy, s) if r.camera == "c1") for s in ("query", "gallery")})
    assert found(splits) == {"no query has a match in another camera": 8}


@pytest.mark.parametrize("missing", ["query", "gallery"])
def test_half_a_test(healthy, missing):
    assert found(replace(healthy, **{missing: ()})) == {f"no {missing} images": 1}


def test_some_images_without_a_camera(healthy):
    result = found(swapped(healthy, "train", 3, camera=None))
    assert result == {"images without a camera": 1}


def test_a_camera_with_very_few_images(healthy, tmp_path):
    rare = ImageRecord(picture(tmp_path / "rare.jpg", 70_000), "00", "c3")
    assert found(replace(healthy, train=(*healthy.train, rare))) == {"cameras with far fewer images than others": 1}


def test_sizes_and_rotated_images(healthy, tmp_path):
    picture(healthy.train[0].path, 1, (80, 20))
    picture(healthy.train[1].path, 2, (2500, 1700))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(healthy.train[2].path).save(healthy.train[2].path, exif=exif)
    assert found(healthy) == {"tiny images": 1, "huge images": 1, "images rotated by EXIF": 1}


def test_an_empty_dataset_has_no_images():
    assert list(found(ReidSplits("empty"))) == ["no images"]


def test_uniform_images_are_not_copies(healthy):
    for value, record in zip((10, 30, 50), healthy.train[::4], strict=False):
        Image.new("RGB", (64, 48), (value,) * 3).save(record.path)
    assert found(healthy) == {"pictures that show nothing": 3}


def test_the_report_holds_names_of_any_bytes_in_ascii(healthy):
    gone = [replace(record, path=Path(f"/gone/\udcb3{n}é.jpg")) for n, record in enumerate(healthy.train[:2])]
    splits = replace(healthy, name="s\udcb3t", train=(*healthy.train[2:], *gone))
    text = report_of(splits, examine(splits))
    assert text.isascii()
    assert json.loads(text)["name"] == "s\udcb3t"
    assert "/gone/\udcb30é.jpg" in json.loads(text)["findings"][0]["examples"]


def test_spoiling_findings_come_first_and_make_the_data_unusable(healthy):
    healthy.train[0].path.unlink()
    splits = replace(healthy, skipped=(Skipped(Path(__file__), "not an image"),))
    findings = examine(splits)
    assert [finding.spoils for finding in findings] == [True, False]
    report = json.loads(report_of(splits, findings))
    assert report["usable"] is False
    assert report["images"] == {"train": 128, "validation": 0, "query": 16, "gallery": 16}
    assert report["findings"][0]["name"] == "missing images"
