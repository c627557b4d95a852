import pytest

from msinet.engine.recipes import TABLES, load_recipe
from msinet.errors import SettingsError


@pytest.mark.parametrize("recipe", ["veri776", "person", "cross-domain", "small-data"])
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
