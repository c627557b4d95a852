import pytest

from msinet.data.doctor.checks import examine
from msinet.data.doctor.label_checks import in_words, near_equal
from msinet.data.readers import table


@pytest.mark.parametrize(
    "one, other",
    [
        ("3", "03"),
        ("0003", "3"),
        ("veh7", "Veh7"),
        ("veh 7", "veh7"),
        ("A1", "А1"),
        ("car-01", "car-1"),
        ("a\u200b", "a"),
        ("x3.0", "x3"),
    ],
)
def test_labels_that_differ_by_spelling_are_one_group(one, other):
    assert near_equal([one, other, "10", "0"]) == [sorted([one, other])]


@pytest.mark.parametrize("labels", [["1", "10", "100"], ["a1", "a2"], ["1.5", "1.50"], ["0", "00a"], ["c1", "c-1"]])
def test_other_labels_are_not(labels):
    assert near_equal(labels) == []


def test_letters_that_look_alike_are_shown_by_their_code_points():
    assert in_words(["A1", "А1"]) == "'A1' = 'А1' (U+0410)"


def test_labels_of_no_object_are_named(manifest):
    rows = "a.jpg,unknown,train\nb.jpg,-1,train\nc.jpg,7,train\n"
    found = {finding.name: finding for finding in examine(table.read(manifest(f"path,identity,split\n{rows}")))}
    assert found["labels that seem to mean no object"].examples == ("-1", "unknown")


@pytest.mark.parametrize(
    "splits, name",
    [
        (("train", "test"), "identities spelled in two ways in train and test"),
        (("train", "train"), "identities spelled in two ways"),
    ],
)
def test_the_doctor_names_identities_spelled_in_two_ways(manifest, splits, name):
    rows = f"a.jpg,7,c1,{splits[0]}\nb.jpg,007,C1,{splits[1]}\n"
    found = {finding.name: finding for finding in examine(table.read(manifest(f"path,identity,camera,split\n{rows}")))}
    assert found[name].examples == ("'007' = '7'",)
    assert found[name].spoils == ("test" in splits)
    assert found["cameras spelled in two ways"].examples == ("'C1' = 'c1'",)
