"""Recipes: settings of the search and of training in TOML files. Imports no torch."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from msinet.architecture_search.settings import SearchSettings
from msinet.errors import SettingsError, listed
from msinet.files.os_errors import in_words
from msinet.files.paths import user_path
from msinet.training.settings import TrainSettings

RECIPES = ("veri776", "person", "cross-domain", "small-data", "fine-tune", "fine-tune-long", "demo")
"""Recipes that come with the package, each a TOML file beside this one."""

SMALL_DATA = "small-data"

FEW_IMAGES = 5000
"""Number of training images below which search, training and run take the recipe small-data."""

RECIPE_HELP = (
    f"Recipe: {', '.join(RECIPES)} or a TOML file of settings. By default small-data for fewer than {FEW_IMAGES} training "
    "images, else veri776, the published settings, whose values the help shows; fine-tune, where training starts from a "
    "model that has learned real images, fine-tune-long from another one. Options on the command line override it."
)

TABLES = {"search": SearchSettings, "train": TrainSettings}
"""The tables that a recipe may hold, and whose settings they are."""

Recipe = Mapping[str, Mapping[str, Any]]
"""Values by table and setting."""


def load_recipe(name_or_file: str | Path) -> Recipe:
    """Return the tables of a recipe that comes with the package, or of a TOML file.

    `SearchSettings(**load_recipe("small-data")["search"])` are its settings of the search.

    Raises:
        SettingsError: there is no such recipe, it is no TOML, or it sets what does not exist.
    """
    source = files(__name__) / f"{name_or_file}.toml" if str(name_or_file) in RECIPES else user_path(name_or_file)
    try:
        recipe = tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(RECIPES)
        raise SettingsError(f"recipe is {name_or_file}: choose one of {known}, or give a TOML file", "recipe") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read the recipe {name_or_file}: {in_words(error)}") from error
    for table, values in recipe.items():
        if table not in TABLES or not isinstance(values, dict):
            raise SettingsError(f"the recipe {name_or_file} may hold the tables search and train, not {table!r}")
        unknown = sorted(set(values) - {field.name for field in fields(TABLES[table])})
        if unknown:
            raise SettingsError(f"the recipe {name_or_file} has unknown settings in [{table}]:{listed(unknown)}")
    return recipe


class Fitting(NamedTuple):
    """The recipe that fits the data, where none is named."""

    name: str
    why: str
    """In words, with the other choice."""


def recipe_for(training_images: int) -> Fitting:
    """Return the recipe for a number of training images: small-data for few, the published settings for more."""
    if training_images < FEW_IMAGES:
        why = f"{training_images} training images, fewer than {FEW_IMAGES}; --recipe veri776 gives the published settings"
        return Fitting(SMALL_DATA, why)
    why = f"the published settings, for {training_images} training images; --recipe small-data takes far less time"
    return Fitting("veri776", why)


FINE_TUNING = ("fine-tune", "fine-tune-long")
"""Recipes for training that starts from a model, whose width and image size it keeps."""


def fine_tuning(learned_images: int) -> Fitting:
    """Return the recipe for training that starts from a model, by the number of real images that it says it has learned."""
    if learned_images:
        why = f"the model has learned {learned_images} real images; --recipe fine-tune-long trains four times as long"
        return Fitting("fine-tune", why)
    return Fitting("fine-tune-long", "the model names no real images that it has learned; --recipe fine-tune is shorter")
