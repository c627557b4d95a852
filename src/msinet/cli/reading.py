"""Reading a dataset for a verb, printing what was found and what was left out, and the recipe that fits it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msinet.cli.app import NeedsRecipe
from msinet.cli.tables import show_left_out, show_sizes
from msinet.cli.terminal import say
from msinet.data.settings import DataSettings

if TYPE_CHECKING:
    from msinet.jobs.score import Source


def read(data: Path, reading: DataSettings) -> "Source":
    """Read a dataset, and print its sizes, remarks and the files that were left out."""
    from msinet.jobs.score import Source

    return show(Source.read(data, reading))


def require_recipe(recipe: str | None, data: Path, reading: DataSettings, init: str | None = None) -> None:
    """Make sure that search, training and run have a recipe: the one that is named, or else the one that fits.

    Args:
        recipe: the one that is named.
        data: the data.
        reading: how the data is read.
        init: the model that training starts from.

    Raises:
        NeedsRecipe: none is named; `main` calls the verb again with the one that fits.
    """
    from msinet.data.readers.detect import load
    from msinet.recipes import fine_tuning, recipe_for

    if recipe is None and init:
        from msinet.model.initial_weights import learned_images

        raise NeedsRecipe(fine_tuning(learned_images(init)))
    if recipe is None:
        raise NeedsRecipe(recipe_for(len(load(data, replace(reading, verify=False)).train)))


def show(source: "Source") -> "Source":
    """Print the sizes of a dataset, its remarks and the files that were left out."""
    show_sizes(source.splits)
    for remark in source.splits.remarks:
        say(f"  {remark}")
    show_left_out(source.splits.skipped)
    return source
