from dataclasses import replace
from pathlib import Path

from msinet.data.records import ImageRecord, ReidSplits, RetrievalTask, identities, images_by_identity

CAR = ImageRecord(Path("car_1.jpg"), "car", "north")
BUS = ImageRecord(Path("bus.jpg"), "bus")
CAR_AGAIN = ImageRecord(Path("car_2.jpg"), "car", "south")


def test_identities_are_distinct_and_sorted():
    assert identities([CAR, BUS, CAR_AGAIN]) == ["bus", "car"]


def test_images_by_identity_gives_positions_in_sorted_order_of_identity():
    assert list(images_by_identity([CAR, BUS, CAR_AGAIN]).items()) == [("bus", [1]), ("car", [0, 2])]


def test_unknown_labels_are_none():
    assert (BUS.camera, BUS.track, dict(BUS.fields)) == (None, None, {})


def test_a_fingerprint_does_not_depend_on_the_folder():
    here, there = (ReidSplits("d", train=(replace(CAR, path=Path(root) / "x.jpg"),)) for root in ("here", "there"))
    assert here.fingerprint() == there.fingerprint()


def test_a_fingerprint_depends_on_the_splits():
    assert ReidSplits("d", query=(CAR,)).fingerprint() != ReidSplits("d", gallery=(CAR,)).fingerprint()


def test_a_fingerprint_depends_on_the_labels():
    relabelled = replace(CAR, identity="van")
    assert ReidSplits("d", train=(CAR,)).fingerprint() != ReidSplits("d", train=(relabelled,)).fingerprint()


def test_the_records_of_all_parts_include_every_task():
    splits = ReidSplits("d", train=(CAR,), tasks={"800": RetrievalTask((BUS,), (CAR_AGAIN,))})
    assert splits.records() == [CAR, BUS, CAR_AGAIN]
