import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.errors import SettingsError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import PUBLISHED
from msinet.model.msinet.widths import CHANNELS, channels_at

LONG_NAMES = {"cg": "channel_gate", "ex": "exchange", "ca": "cross_attention", "none": "none"}


@st.composite
def architectures(draw):
    """Return architectures of 2 to 4 stages, all alike in cells and interactions."""
    stages, cells, interactions = draw(st.integers(2, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    places = stages * cells * interactions
    names = draw(st.lists(st.sampled_from(PUBLISHED.choices), min_size=places, max_size=places))
    return Architecture.from_interactions(names, cells, interactions)


@given(architectures())
def test_json_gives_the_same_architecture_back(architecture):
    again = Architecture.from_dict(json.loads(json.dumps(architecture.to_dict())))
    assert again == architecture
    assert hash(again) == hash(architecture)


@given(architectures())
def test_a_flat_list_of_names_is_cut_as_it_was(architecture):
    cells, interactions = len(architecture.stages[0]), len(architecture.stages[0][0])
    assert Architecture.from_interactions(architecture.interactions, cells, interactions) == architecture


def test_other_choices_make_another_architecture():
    assert Architecture.uniform("none") != Architecture.uniform("exchange")


def test_other_cuts_make_another_architecture():
    names = ["none"] * 12
    assert Architecture.from_interactions(names, 2, 2) != Architecture.from_interactions(names, 1, 4)


def test_a_file_gives_the_same_architecture_back(tmp_path):
    architecture = Architecture.random(1)
    architecture.save(tmp_path / "a.json", made_from="a search", alphas=[0.5])
    assert Architecture.load(tmp_path / "a.json") == architecture
    assert json.loads((tmp_path / "a.json").read_text())["made_from"] == "a search"


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("msmt17", ["cg cg ex cg", "ca cg cg none", "cg ca ex ca"]),
        ("veri776", ["ex cg ex ca", "ex none ex cg", "ca ca ca ca"]),
    ],
)
def test_the_named_ones_are_the_published_ones(name, stages):
    long = [[LONG_NAMES[short] for short in stage.split()] for stage in stages]
    assert Architecture.named(name).stages == tuple(((a, b), (c, d)) for a, b, c, d in map(tuple, long))


def test_interactions_come_in_the_order_in_which_an_image_meets_them():
    architecture = Architecture(((("none", "exchange"),), (("channel_gate", "cross_attention"),)))
    assert architecture.interactions == ("none", "exchange", "channel_gate", "cross_attention")


@given(st.lists(st.lists(st.floats(-5, 5), min_size=4, max_size=4, unique=True), min_size=12, max_size=12))
def test_the_largest_alpha_of_a_place_wins(alphas):
    chosen = Architecture.from_alphas(alphas).interactions
    assert all(row[PUBLISHED.choices.index(name)] == max(row) for row, name in zip(alphas, chosen, strict=True))


def test_the_same_seed_draws_the_same_architecture():
    assert Architecture.random(3) == Architecture.random(3)
    assert len({Architecture.random(seed) for seed in range(20)}) == 20


def test_a_random_architecture_draws_all_interactions_alike():
    drawn = [name for seed in range(500) for name in Architecture.random(seed).interactions]
    expected, spread = len(drawn) / 4, math.sqrt(len(drawn) * 3 / 16)
    assert all(abs(drawn.count(name) - expected) < 4 * spread for name in PUBLISHED.choices)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("msmt17", Architecture.named("msmt17")),
        ("random:7", Architecture.random(7)),
        ("all:exchange", Architecture.uniform("exchange")),
    ],
)
def test_find_by_name(asked, found):
    assert Architecture.find(asked) == found


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["text", "path"])
def test_find_by_file(tmp_path, kind):
    Architecture.random(7).save(tmp_path / "found.json")
    assert Architecture.find(kind(tmp_path / "found.json")) == Architecture.random(7)


@pytest.mark.parametrize("asked", ["msmt18", "random:seven", "random:-1", "random:", "all:", "all:gate", "", "random:²"])
def test_find_says_what_there_is(asked):
    with pytest.raises(SettingsError, match="choose from"):
        Architecture.find(asked)


def test_find_names_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match=r"cannot read an architecture from .*gone\.json"):
        Architecture.find(tmp_path / "gone.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"stages": 3}', '{"stages": [3]}', '{"stages": []}', '{"stages": [["none"], ["none"]]}'],
)
def test_a_file_that_holds_no_architecture_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(SettingsError):
        Architecture.load(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("other.pth", b"PK\x03\x04", "is the first part of a file"),
        ("photo.jpg", b"\xff\xd8\xff", "is a JPEG image: choose from msmt17, veri776, random:SEED"),
        ("photo.json", b"\xff\xd8\xff", r"photo\.json: it is a JPEG image .*pass the architecture\.json that msinet search"),
        ("model.json", b'{"kind": "msinet"}', r'model\.json: an architecture needs "stages".*pass the architecture\.json'),
    ],
)
def test_another_file_says_what_it_is(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=words):
        Architecture.find(tmp_path / name)


def test_a_folder_of_a_search_names_the_file_in_it(tmp_path):
    Architecture.random(1).save(tmp_path / "architecture.json")
    with pytest.raises(SettingsError, match=r"which is a folder: pass .*architecture\.json") as error:
        Architecture.find(tmp_path)
    assert error.value.settings == ("architecture",)


def test_an_unknown_interaction_is_named():
    with pytest.raises(SettingsError, match="unknown interaction gate: choose from none, exchange"):
        Architecture.uniform("gate")


def test_names_must_fill_the_stages():
    with pytest.raises(SettingsError, match="11 interactions do not fill stages of 2 cells with 2 interactions"):
        Architecture.from_interactions(["none"] * 11)


def test_half_the_width_is_half_the_channels():
    assert channels_at(1.0) == CHANNELS == (64, 256, 384, 512)
    assert channels_at(0.5) == (32, 128, 192, 256)


def test_a_width_without_a_preset_names_the_presets():
    with pytest.raises(SettingsError, match=r"width is 0\.3: choose one of 0\.25, 0\.5, 0\.75, 1\.0"):
        channels_at(0.3)
