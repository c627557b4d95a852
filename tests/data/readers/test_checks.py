from pathlib import Path

import pytest

from msinet.data.readers.checks import check_splits, drop_repeats, remark_on_sizes
from msinet.data.records import ImageRecord, ReidSplits, Skipped
from msinet.errors import DatasetError


def images(identities: str) -> tuple[ImageRecord, ...]:
    return tuple(ImageRecord(Path(f"{identity}.jpg"), identity) for identity in identities)


@pytest.mark.parametrize("splits", [{"train": "ab"}, {"query": "a", "gallery": "ab"}, {"train": "a", "validation": "b"}])
def test_training_or_scoring_alone_is_a_dataset(splits):
    check_splits(ReidSplits("d", **{split: images(labels) for split, labels in splits.items()}))


@pytest.mark.parametrize("one, other", [("query", "gallery"), ("gallery", "query")])
def test_query_and_gallery_need_each_other(one, other):
    with pytest.raises(DatasetError, match=f"has {one} images but no {other}"):
        check_splits(ReidSplits("d", train=images("a"), **{one: images("b")}))


def test_validation_alone_is_refused():
    with pytest.raises(DatasetError, match="only validation"):
        check_splits(ReidSplits("d", validation=images("a")))


def test_without_images_the_error_names_the_files_left_out():
    with pytest.raises(DatasetError, match=r"no images in d; 1 left out:\n  x: broken"):
        check_splits(ReidSplits("d", skipped=(Skipped(Path("x"), "broken"),)))


@pytest.mark.parametrize(
    "splits, message",
    [
        (
            {"train": "abcde", "query": "f", "gallery": "fbcde"},
            "identities in both train and query or gallery of d.*\n  b\n  c\n  d\n  e$",
        ),
        ({"train": "abc", "validation": "cd"}, "in both train and validation of d.*\n  c$"),
        ({"validation": "a", "query": "a", "gallery": "b"}, "validation and query or gallery"),
    ],
)
def test_an_identity_has_one_role(splits, message):
    with pytest.raises(DatasetError, match=message):
        check_splits(ReidSplits("d", **{split: images(labels) for split, labels in splits.items()}))


def test_a_file_listed_twice_in_a_split_counts_once():
    splits = drop_repeats(ReidSplits("d", train=images("aba")))
    assert splits.train == images("ab")
    assert [left_out.reason for left_out in splits.skipped] == ["more than once in train"]


def test_a_file_with_two_labels_is_named():
    other = ImageRecord(Path("x/../a.jpg"), "b")
    splits = drop_repeats(ReidSplits("d", train=(*images("a"), other)))
    assert splits.skipped[0].reason == "more than once in train, as 'a' and 'b'"


def test_query_and_gallery_may_share_a_file():
    splits = drop_repeats(ReidSplits("d", query=images("a"), gallery=images("a")))
    assert splits.query == splits.gallery == images("a")


def test_the_published_sizes_get_no_remark():
    splits = ReidSplits("d", train=images("aab"), query=images("c"), gallery=images("cd"))
    assert remark_on_sizes(splits, "D", {"train": (2, 3), "query": (1, 1), "gallery": (2, 2)}) == splits


def test_other_sizes_get_one_remark():
    splits = remark_on_sizes(ReidSplits("d", train=images("aab")), "D", {"train": (576, 37_778), "query of 3": (1, 2)})
    assert splits.remarks == (
        "differs from the published D: train has 2 identities and 3 images instead of 576 and 37,778; query of 3 is missing",
    )
