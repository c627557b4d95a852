from pathlib import Path

import pytest

from msinet import recipes
from msinet.errors import SettingsError
from msinet.recipes import RECIPES, TABLES, load_recipe, recipe_for


def test_the_list_of_recipes_is_that_of_the_files():
    assert {file.stem for file in Path(recipes.__file__).parent.glob("*.toml")} == set(RECIPES)


@pytest.mark.parametrize("recipe", RECIPES)
def test_shipped_recipes_are_valid(recipe):
    for name, values in load_recipe(recipe).items():
        TABLES[name](**values)


def test_veri776_is_the_default():
    for name, values in load_recipe("veri776").items():
        defaults = TABLES[name]()
        assert {key: list(v) if isinstance(v := getattr(defaults, key), tuple) else v for key in values} == values


@pytest.mark.parametrize("text", ["[train]\nepoch = 3", "[test]\n", "epochs = 3", "[train", "\xff"])
def test_a_recipe_that_sets_what_does_not_exist_is_refused(tmp_path, text):
    (tmp_path / "r.toml").write_text(text, encoding="latin-1")
    with pytest.raises(SettingsError, match=r"r\.toml"):
        load_recipe(tmp_path / "r.toml")


def test_a_switch_of_the_search_that_is_gone_is_named(tmp_path):
    (tmp_path / "r.toml").write_text('[search]\ncontrast = "shared"', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"unknown settings in \[search\]:\s+contrast"):
        load_recipe(tmp_path / "r.toml")


def test_few_images_take_the_recipe_for_small_data_and_more_the_published_settings():
    assert (recipe_for(1).name, recipe_for(4999).name) == ("small-data", "small-data")
    assert (recipe_for(5000).name, recipe_for(37778).name) == ("veri776", "veri776")


def test_a_recipe_that_was_chosen_says_why_and_what_else_there_is():
    assert recipe_for(80).why == "80 training images, fewer than 5000; --recipe veri776 gives the published settings"
    assert "--recipe small-data" in recipe_for(9000).why
