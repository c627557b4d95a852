import unicodedata

import numpy as np
import pytest

from msinet.data.labels import label_of, normalise


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), np.float32("nan"), "", "  ", "nan", "None", "NULL", "NA", "<NA>", "#N/A", "#REF!", b"", b"NaN"],
)
def test_missing_values_are_no_labels(value):
    assert label_of(value) is None


@pytest.mark.parametrize("value", [3, 3.0, "3", "3.0", " 3 ", "3.00", b"3", np.int64(3), np.float32(3), np.str_("3")])
def test_an_integer_is_one_label_in_every_form(value):
    assert label_of(value) == "3"


@pytest.mark.parametrize("text", ["0003", "3.5", "1e3", "v3.0", "3.0.0", "Nancy", "none of them"])
def test_other_text_stays_as_written(text):
    assert label_of(text) == text


def test_text_of_macs_is_the_same_label():
    assert normalise(unicodedata.normalize("NFD", "Zoé")) == "Zoé"
