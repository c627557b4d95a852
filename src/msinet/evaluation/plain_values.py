"""Frozen dataclasses as plain values for JSON, and back: the types are read from the fields."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np


def to_plain(value: Any) -> Any:
    """Return a value as JSON has it: dataclasses as dicts, tuples and arrays as lists, paths as strings."""
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: to_plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value) if isinstance(value, Path) else value


def from_plain(kind: Any, value: Any) -> Any:
    """Return a value of a type from what `to_plain` gave.

    Args:
        kind: a dataclass, or the type of one of its fields.
        value: plain values.

    Raises:
        TypeError, ValueError, KeyError: the value is not of the type, or names a field that the dataclass does not have.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        return _one_of(inner, value)
    if origin is Literal:
        if value not in inner:
            raise ValueError(f"{value!r} is none of {', '.join(map(str, inner))}")
        return value
    if origin is tuple:
        _require(value, list, tuple)
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(from_plain(each, one) for each, one in zip(kinds, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        _require(value, Mapping)
        return {name: from_plain(inner[1], one) for name, one in value.items()}
    if is_dataclass(kind):
        _require(value, Mapping)
        kinds = get_type_hints(kind)
        return kind(**{name: from_plain(kinds[name], one) for name, one in value.items()})  # pyright: ignore[reportCallIssue]
    return _single(kind, value)


def _one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    """Return the value as the first of several types that it fits."""
    faults = []
    for kind in kinds:
        try:
            return from_plain(kind, value)
        except (TypeError, ValueError, KeyError) as error:
            faults.append(str(error))
    raise TypeError("; ".join(faults))


def _single(kind: Any, value: Any) -> Any:
    if kind is np.ndarray:
        _require(value, list)
        return np.array(value, np.float64)
    if kind is Path:
        _require(value, str)
        return Path(value)
    if kind is float:
        _require(value, int, float)
        return float(value)
    _require(value, kind)
    return value


def _require(value: Any, *kinds: type) -> None:
    if not isinstance(value, kinds):
        raise TypeError(f"{value!r} is not of type {' or '.join(kind.__name__ for kind in kinds)}")
