import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from msinet.evaluation.plain_values import from_plain, to_plain


@dataclass(frozen=True)
class Part:
    name: str
    weight: float | None = None


@dataclass(frozen=True)
class Other:
    folder: Path


@dataclass(frozen=True)
class Whole:
    parts: tuple[Part, ...]
    size: tuple[int, int]
    kind: Literal["a", "b"] = "a"
    either: Part | Other | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    anything: Any = None


WHOLE = Whole((Part("x", 0.5), Part("y")), (1, 2), "b", Other(Path("/there")), {"x": 1.0}, [1, {"z": None}])


def test_values_come_back_from_json():
    assert from_plain(Whole, json.loads(json.dumps(to_plain(WHOLE)))) == WHOLE


def test_fields_with_defaults_may_be_missing():
    assert from_plain(Whole, {"parts": [], "size": [1, 2]}) == Whole((), (1, 2))


def test_arrays_are_lists_of_numbers():
    assert to_plain(np.arange(3.0)) == [0, 1, 2]
    np.testing.assert_array_equal(from_plain(np.ndarray, [0, 1, 2]), np.arange(3.0))


@pytest.mark.parametrize(
    "values",
    [
        {"parts": [], "size": [1]},
        {"parts": [], "size": [1, 2.5]},
        {"parts": "x", "size": [1, 2]},
        {"parts": [{"name": 1}], "size": [1, 2]},
        {"parts": [], "size": [1, 2], "kind": "c"},
        {"parts": [], "size": [1, 2], "either": {"neither": 1}},
        {"parts": [], "size": [1, 2], "more": 1},
        {"parts": [], "size": [1, 2], "shares": {"x": "half"}},
        {"size": [1, 2]},
        [],
    ],
)
def test_values_of_other_types_are_errors(values):
    with pytest.raises((TypeError, ValueError, KeyError)):
        from_plain(Whole, values)
