import pytest

from msinet.data.doctor.checks import examine
from msinet.data.readers import vric as reader
from msinet.data.readers.detect import load_splits


def test_a_line_gives_image_identity_and_camera(vric):
    record = reader.read(vric).query[0]
    assert record.path == vric / "probe_images" / "MVI_39031_016_img00105.jpg"
    assert (record.identity, record.camera) == ("16", "2")


def test_probes_are_queries(vric):
    splits = reader.read(vric)
    assert [len(part) for part in (splits.train, splits.query, splits.gallery)] == [2, 1, 1]
    assert splits.gallery[0].path.parent.name == "gallery_images"


def test_its_protocol_is_no_camera(vric):
    assert reader.read(vric).protocol == "no-camera"


def test_a_missing_image_is_left_out(vric):
    (vric / "probe_images" / "MVI_39031_016_img00105.jpg").unlink()
    (left_out,) = reader.read(vric).skipped
    assert left_out.reason == "listed in vric_probe.txt, but missing"


@pytest.mark.parametrize(
    "line, reason",
    [
        ("MVI_20011_001_img00009.jpg 15", "is not like: image identity camera"),
        ("MVI_20011_001_img00009.jpg 15 1 1", "is not like: image identity camera"),
        ("../gallery_images/MVI_39051_007_img00216.jpg 15 1", "leads out of the dataset"),
    ],
)
def test_a_broken_line_is_named_by_number(vric, line, reason):
    (vric / "vric_train.txt").write_text(f"MVI_20011_001_img00001.jpg 15 1\n{line}\n")
    splits = reader.read(vric)
    assert len(splits.train) == 1
    assert splits.skipped[0].reason.startswith("line 2: ")
    assert splits.skipped[0].reason.endswith(reason)


def test_a_part_of_the_published_dataset_gets_a_remark(vric):
    (remark,) = reader.read(vric).remarks
    assert remark == (
        "differs from the published VRIC: train has 1 identities and 2 images instead of 2,811 and 54,808; "
        "query has 1 identities and 1 images instead of 2,811 and 2,811; "
        "gallery has 1 identities and 1 images instead of 2,811 and 2,811"
    )


def test_the_doctor_needs_no_other_camera(vric):
    (vric / "vric_gallery.txt").write_text("MVI_39051_007_img00216.jpg 16 2\n")
    findings = {finding.name for finding in examine(load_splits(vric))}
    assert not any("match" in name for name in findings)
