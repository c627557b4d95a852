"""Recipes: settings of the search and of training in a TOML file. Imports no torch."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from msinet.engine.settings import SearchSettings, TrainSettings
from msinet.errors import SettingsError

TABLES = {"search": SearchSettings, "train": TrainSettings}
"""The tables that a recipe may hold, and whose settings they are."""


def load_recipe(name_or_file: str | Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the tables of a shipped recipe (veri776, person, cross-domain, small-data) or of a TOML file.

    `SearchSettings(**load_recipe("small-data")["search"])` are its settings of the search.

    Raises:
        SettingsError: there is no such recipe, it is no TOML, or it sets what does not exist.
    """
    shipped = files("msinet") / "recipes" / f"{name_or_file}.toml"
    source = shipped if shipped.is_file() else Path(name_or_file)
    try:
        recipe = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read the recipe {name_or_file}: {error}") from error
    for table, values in recipe.items():
        if table not in TABLES or not isinstance(values, dict):
            raise SettingsError(f"the recipe {name_or_file} may hold [search] and [train], not {table!r}")
        unknown = sorted(set(values) - {field.name for field in fields(TABLES[table])})
        if unknown:
            raise SettingsError(f"the recipe {name_or_file} sets what does not exist: {', '.join(unknown)}")
    return recipe
