"""The names of `msinet` itself."""

import ast
from pathlib import Path

import pytest

import msinet


@pytest.mark.parametrize("name", msinet.__all__)
def test_a_public_name_is_there(name):
    assert getattr(msinet, name).__name__ == name


def test_type_checkers_see_the_same_names():
    module = ast.parse(Path(msinet.__file__).read_text(encoding="utf-8"))
    (checking,) = (node for node in module.body if isinstance(node, ast.If))
    assert sorted(alias.name for line in checking.body for alias in line.names) == sorted(msinet.__all__)


def test_what_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'cake'"):
        msinet.cake  # noqa: B018
