from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from msinet.data.readers.own_data import split_by_identity, splits_from_words
from msinet.data.records import ImageRecord, identities

labels = st.lists(st.text(st.characters()))  # lone surrogates too: names of files that are not UTF-8


def records_of(identities):
    return [ImageRecord(Path(f"{number}.jpg"), identity) for number, identity in enumerate(identities)]


@given(labels, st.integers())
def test_a_split_shares_no_identity_and_loses_no_image(labels, seed):
    records = records_of(labels)
    split = split_by_identity(records, seed)
    assert not set(identities(split["train"])) & set(identities(split["test"]))
    assert sorted(split["train"] + split["test"], key=lambda record: int(record.path.stem)) == records


@given(labels)
def test_train_gets_half_of_the_identities_rounded_up(labels):
    records = records_of(labels)
    assert len(identities(split_by_identity(records)["train"])) == (len(set(labels)) + 1) // 2


@given(labels, st.randoms())
def test_the_order_of_the_records_does_not_matter(labels, random):
    records = records_of(labels)
    shuffled = random.sample(records, len(records))
    assert identities(split_by_identity(records)["train"]) == identities(split_by_identity(shuffled)["train"])


def test_another_seed_is_another_split():
    records = records_of(map(str, range(100)))
    assert split_by_identity(records, 0) != split_by_identity(records, 1)


def test_the_split_of_a_seed_never_changes():
    assert identities(split_by_identity(records_of("abcdefgh"), 0)["train"]) == list("begh")


def test_test_images_are_query_and_gallery():
    splits = splits_from_words("d", {"test": records_of("ab")}, ())
    assert splits.query == splits.gallery == tuple(records_of("ab"))
