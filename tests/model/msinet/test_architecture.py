import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.errors import SettingsError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import PUBLISHED, SCALES, Place
from msinet.model.msinet.widths import CHANNELS, channels_at

ODD = ["scales:", "scales:x", "all:none:", "all:none:1", "all:none:1,", "all:none:1,1x", "all:none:1,1x0", "all:none:-1,1"]
LONG_NAMES = {"cg": "channel_gate", "ex": "exchange", "ca": "cross_attention", "none": "none"}


@st.composite
def architectures(draw):
    """Return architectures of 2 to 4 stages, all alike in cells and interactions, with the published depths."""
    stages, cells, interactions = draw(st.integers(2, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    places = stages * cells * interactions
    names = draw(st.lists(st.sampled_from(PUBLISHED.choices), min_size=places, max_size=places))
    return Architecture.from_interactions(names, cells, interactions)


@st.composite
def scaled(draw):
    """Return architectures of 2 to 4 stages that differ in cells, with depths from 0 to 16."""
    depth = st.integers(0, 16)
    place = st.builds(Place, st.sampled_from(PUBLISHED.choices), depth, depth)
    interactions, cells = draw(st.integers(1, 3)), draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    return Architecture.from_cells(
        tuple(tuple(tuple(draw(place) for _ in range(interactions)) for _ in range(count)) for count in cells)
    )


@given(architectures() | scaled())
def test_json_gives_the_same_architecture_back(architecture):
    again = Architecture.from_dict(json.loads(json.dumps(architecture.to_dict())))
    assert again == architecture
    assert hash(again) == hash(architecture)


@given(architectures())
def test_a_flat_list_of_names_is_cut_as_it_was(architecture):
    cells, interactions = len(architecture.stages[0]), len(architecture.stages[0][0])
    assert Architecture.from_interactions(architecture.interactions, cells, interactions) == architecture


@given(architectures() | scaled())
def test_an_architecture_is_its_cells(architecture):
    assert Architecture.from_cells(architecture.cells) == architecture
    assert tuple(place for stage in architecture.cells for cell in stage for place in cell) == architecture.places
    assert [[len(cell) for cell in stage] for stage in architecture.cells] == [
        [len(cell) for cell in stage] for stage in architecture.stages
    ]


def test_other_choices_make_another_architecture():
    assert Architecture.uniform("none") != Architecture.uniform("exchange")
    assert Architecture.uniform("none") != Architecture.uniform("none", depths=(1, 2))


def test_depths_are_the_published_ones_where_none_are_given():
    published = Architecture.named("veri776")
    assert published.depths == ((1, 3),) * 12 and published.has_published_depths
    assert Architecture(published.stages, ((1, 3),) * 12) == published
    assert not Architecture(published.stages, (*((1, 3),) * 11, (1, 2))).has_published_depths


def test_stages_may_have_different_numbers_of_cells():
    cell = ("none", "exchange")
    architecture = Architecture(((cell, cell), (cell,), (cell, cell, cell)))
    assert architecture.interactions == cell * 6
    assert [len(stage) for stage in architecture.cells] == [2, 1, 3]


@pytest.mark.parametrize(
    "stages",
    [
        ((("none", "none"),), (("none",),)),
        ((("none", "none"), ("none",)), (("none", "none"), ("none",))),
        ((("none",),), ()),
        (((),), ((),)),
        ((("none",),),),
        (),
    ],
    ids=["of stages", "of cells", "a stage without cells", "cells without interactions", "one stage", "no stage"],
)
def test_different_numbers_of_interactions_are_refused(stages):
    with pytest.raises(SettingsError, match="at least two stages of cells, with equally many interactions in each"):
        Architecture(stages)


@pytest.mark.parametrize("name", ["msmt17", "veri776", "random:3", "all:none"])
def test_published_depths_are_not_written(tmp_path, name):
    """The files are those of version 0.2, which reads them."""
    architecture = Architecture.find(name)
    assert architecture.to_dict() == {"stages": [[list(cell) for cell in stage] for stage in architecture.stages]}
    architecture.save(tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == {"format": 2, **architecture.to_dict()}


def test_files_with_depths_are_refused_by_versions_that_would_pass_over_them(tmp_path):
    architecture = Architecture.find("all:none:1,1")
    architecture.save(tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())["format"] == 3
    assert Architecture.load(tmp_path / "a.json") == architecture


def test_files_of_a_later_version_are_refused(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({**Architecture.random(1).to_dict(), "format": 4}))
    with pytest.raises(SettingsError, match="later version"):
        Architecture.load(tmp_path / "a.json")


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


def test_alphas_of_scales_choose_depths_and_cells():
    architecture = Architecture.random(5, SCALES)
    assert Architecture.from_alphas(SCALES.indicators(architecture.cells), SCALES) == architecture


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
        ("scales:3", Architecture.random(3, SCALES)),
        ("all:exchange", Architecture.uniform("exchange")),
        ("all:none:1,1", Architecture.from_interactions(["none"] * 12, depths=[(1, 1)] * 12)),
        ("all:none:1,1x1", Architecture.from_interactions(["none"] * 6, 1, depths=[(1, 1)] * 6)),
        ("all:exchange:1,3x2", Architecture.uniform("exchange")),
    ],
)
def test_find_by_name(asked, found):
    assert Architecture.find(asked) == found


def test_depths_too_large_are_named():
    with pytest.raises(SettingsError, match="whole numbers from 0 to 16"):
        Architecture.find("all:none:17,1")


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["text", "path"])
def test_find_by_file(tmp_path, kind):
    Architecture.random(7).save(tmp_path / "found.json")
    assert Architecture.find(kind(tmp_path / "found.json")) == Architecture.random(7)


@pytest.mark.parametrize(
    "asked", ["msmt18", "random:seven", "random:-1", "random:", "all:", "all:gate", "", "random:²", *ODD]
)
def test_find_says_what_there_is(asked):
    with pytest.raises(SettingsError, match="choose from"):
        Architecture.find(asked)


def test_find_names_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match=r"cannot read an architecture from .*gone\.json"):
        Architecture.find(tmp_path / "gone.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"stages": 3}',
        '{"stages": [3]}',
        '{"stages": []}',
        '{"stages": [[3], [3]]}',
        '{"stages": [["none"], ["none"]]}',
        '{"stages": [[["none", "none"]], [["none"]]]}',
        '{"stages": [[[["none"]]], [[["none"]]]]}',
        '{"stages": [[[null]], [[{}]]]}',
        '{"stages": ["none", "none"]}',
        f'{{"stages": {"1" * 5000}}}',
    ],
)
def test_a_file_that_holds_no_architecture_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(SettingsError):
        Architecture.load(tmp_path / "a.json")


@pytest.mark.parametrize(
    "depths",
    [
        "[[1, 3], [1, 3], [1, 3]]",
        "[[1, 3], [1]]",
        "[[1, 3], [1, 3, 3]]",
        "[[1, 3], [1, 1.5]]",
        "[[1, 3], [1.0, 3]]",
        "[[1, 3], [1, true]]",
        '[[1, 3], [1, "3"]]',
        '["13", "13"]',
        "[[1, 3], [1, -1]]",
        "[[1, 3], [99, 3]]",
        "[[1, 3], [1, NaN]]",
        "[[1, 3], [1, Infinity]]",
        "[[1, 3], [1, null]]",
        "[[1, 3], [1, [3]]]",
        "[[1, 3]]",
        "[1, 3]",
        '{"13": 1, "12": 1}',
        '"ab"',
        "3",
        "null",
    ],
)
def test_depths_that_are_not_two_whole_numbers_a_place_are_refused(tmp_path, depths):
    """They are neither rounded nor left out: another network would be trained."""
    (tmp_path / "a.json").write_text(f'{{"stages": [[["none"]], [["exchange"]]], "depths": {depths}}}')
    with pytest.raises(SettingsError, match="whole numbers"):
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
