from dataclasses import replace
from pathlib import Path

from msinet.data.records import ImageRecord, ReidSplits, identities, images_by_identity

CAR = ImageRecord(Path("car_1.jpg"), "car", "north")
BUS = ImageRecord(Path("bus.jpg"), "bus")
CAR_AGAIN = ImageRecord(Path("car_2.jpg"), "car", "south")


def test_identities_are_distinct_and_sorted():
    assert identities([CAR, BUS, CAR_AGAIN]) == ["bus", "car"]


def test_images_by_identity_gives_positions_in_sorted_order_of_identity():
    assert list(images_by_identity([CAR, BUS, CAR_AGAIN]).items()) == [("bus", [1]), ("car", [0, 2])]


def test_what_is_unknown_is_none():
    assert (BUS.camera, BUS.track, dict(BUS.fields)) == (None, None, {})


def test_a_fingerprint_does_not_hang_on_where_the_files_lie():
    here, there = (ReidSplits("d", train=(replace(CAR, path=Path(root) / "x.jpg"),)) for root in ("here", "there"))
    assert here.fingerprint() == there.fingerprint()


def test_a_fingerprint_tells_splits_apart():
    assert ReidSplits("d", query=(CAR,)).fingerprint() != ReidSplits("d", gallery=(CAR,)).fingerprint()


def test_a_fingerprint_tells_labels_apart():
    relabelled = replace(CAR, identity="van")
    assert ReidSplits("d", train=(CAR,)).fingerprint() != ReidSplits("d", train=(relabelled,)).fingerprint()
