from dataclasses import replace

import pytest

from msinet.architecture_search.settings import SearchSettings
from msinet.architecture_search.twins import TwinsSearch
from msinet.data.records import ReidSplits
from msinet.errors import SettingsError
from msinet.evaluation.record import DataFacts
from msinet.experiments.search_worth_plan import VARIANTS, Plan, Variant, parse_variants
from msinet.experiments.settings import SearchWorthSettings
from msinet.experiments.variants import SharedMemory, variant
from msinet.training.settings import TrainSettings


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["shared"], {"shared": Variant(SharedMemory)}),
        (["shared", "epochs=24"], {"shared": Variant(SharedMemory, {"epochs": 24})}),
        (["late", "alpha_start_epoch=20", "cool"],
         {"late": Variant(changes={"alpha_start_epoch": 20}), "cool": VARIANTS["cool"]}),
        (["late", "epochs=24"], {"late": Variant(changes={"alpha_start_epoch": 5, "epochs": 24})}),
        (["mine", "alpha_learning_rate=0.05", "overlap=1", "sync_batch_norm=true", "alpha_milestones=[3, 4]",
          "schedule=cosine"],
         {"mine": Variant(changes={"alpha_learning_rate": 0.05, "overlap": 1, "sync_batch_norm": True,
                                   "alpha_milestones": [3, 4], "schedule": "cosine"})}),
        (["cool+shared+removal"],
         {"cool+shared+removal": Variant(variant("shared", "removal"), {"mixture_temperature": 0.1})}),
    ],
)  # fmt: skip
def test_variants_have_a_name_and_the_settings_that_they_change(words, expected):
    found = parse_variants(words)
    assert list(found) == list(expected)
    for name, one in found.items():
        assert one.changes == expected[name].changes
        assert (one.method.name, one.method.__mro__[1:]) == (expected[name].method.name, expected[name].method.__mro__[1:])


def test_the_published_search_changes_nothing():
    assert parse_variants(["published"]) == {"published": Variant(TwinsSearch, {})}


OWN = SearchSettings(space="scales", trials=12, trial_weights="own", finals=3)


def test_the_recipe_searches_as_it_is_and_the_alphas_of_a_variant_decide_unless_it_has_trials(tmp_path):
    words = "recipe", "published", "mine", "trials=150", "random-search"
    settings = SearchWorthSettings(variant=words, random=2, out=tmp_path, validation_share=0.25)
    plan = Plan.of(ReidSplits("d"), settings, OWN, TrainSettings())
    assert plan.search_of("recipe", 3) == replace(OWN, seed=3, validation_share=0.25)
    published, mine, random = (plan.search_of(name, 0) for name in ("published", "mine", "random-search"))
    assert (published.trials, published.has_supernet, published.finals) == (0, True, 0)
    assert (mine.trials, mine.has_supernet, mine.finals) == (150, True, 0)
    assert (random.trials, random.has_supernet, random.finals) == (12, False, 0)
    assert [plan.variants[name].takes_best_trial for name in plan.variants] == [False, False, False, True]


@pytest.mark.parametrize(("asked", "space"), [(None, "scales"), ("published", "published")])
def test_the_space_is_the_recipes_unless_another_is_named(tmp_path, asked, space):
    settings = SearchWorthSettings(random=1, space=asked, others=(), out=tmp_path)
    plan = Plan.of(ReidSplits("d"), settings, OWN, TrainSettings())
    assert plan.search.space == space
    assert plan.others == ["scales:0" if space == "scales" else "random:0"]


def test_every_known_variant_is_one_of_the_search():
    for one in VARIANTS.values():
        replace(SearchSettings(), **one.changes)


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("cake", "choose from recipe, random-search, published, shared"),
        ("random", "choose another"),
        ("overlap=0", "name of a"),
    ],
)
def test_a_name_that_stands_for_nothing_is_refused(word, complaint):
    with pytest.raises(SettingsError, match=complaint) as error:
        parse_variants([word])
    assert error.value.settings == ("variant",)


@pytest.mark.parametrize(
    "word", ["sync_batch_norm=False", "sync_batch_norm=1", "alpha_learning_rate=.1", "epochs=ten", "cake=1", "device=cpu"]
)
def test_a_value_that_the_setting_does_not_take_is_refused(word):
    with pytest.raises(SettingsError, match=word):
        parse_variants(["mine", word])


def test_the_random_architectures_stand_behind_the_others(tmp_path):
    settings = SearchWorthSettings(random=2, others=("all:none",), out=tmp_path)
    plan = Plan.of(ReidSplits("d"), settings, SearchSettings(), TrainSettings())
    assert plan.others == ["all:none", "random:0", "random:1"]
    assert plan.randoms == {"random, all 2": ["random:0", "random:1"]}
    assert plan.searched("published") == ["published-0", "published-1", "published-2"]
    files = {plan.result_file(label, seed) for label in (*plan.others, *plan.searched("published")) for seed in plan.seeds}
    assert len(files) == 18


def test_results_of_other_pictures_are_not_those_of_the_plan(make_splits):
    """Those of version 0.1 do not know their pictures, and count by labels alone."""
    splits = make_splits(train=2, test=2)
    plan = Plan.of(splits, SearchWorthSettings(), SearchSettings(), TrainSettings())
    own = DataFacts.of(splits, plan.pictures)
    assert plan.is_same_data(own)
    assert plan.is_same_data(replace(own, pictures=None))
    assert not plan.is_same_data(replace(own, pictures="other"))
    assert not plan.is_same_data(replace(own, fingerprint="other"))
    assert not plan.is_same_data(None)
