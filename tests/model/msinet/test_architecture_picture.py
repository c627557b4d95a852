import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.architecture_picture import LANE_A, LANE_B
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.search_space import Place

SVG = "{http://www.w3.org/2000/svg}"


def picture(architecture: Architecture) -> ElementTree.Element:
    return ElementTree.fromstring(architecture.to_svg())


def of_depths(*depths: tuple[int, int], interaction: str = "none") -> Architecture:
    """Return an architecture of two stages of one cell, the first with these depths, the second without convolutions."""
    first = tuple(Place(interaction, *pair) for pair in depths)
    return Architecture.from_cells(((first,), (tuple(Place(interaction, 0, 0) for _ in depths),)))


def spans(root: ElementTree.Element, kind: str) -> list[tuple[float, float]]:
    """Return where rectangles of a kind start and end, from left to right."""
    found = root.iterfind(f".//{SVG}rect[@class='{kind}']")
    return [(float(rect.attrib["x"]), float(rect.attrib["x"]) + float(rect.attrib["width"])) for rect in found]


def bars(root: ElementTree.Element, lane: int) -> list[tuple[float, float]]:
    """Return where the bars of a branch start and end."""
    on_lane = [rect for rect in root.iterfind(f".//{SVG}rect[@class='scale']") if float(rect.attrib["y"]) + 7 == lane]
    return [(float(rect.attrib["x"]), float(rect.attrib["x"]) + float(rect.attrib["width"])) for rect in on_lane]


def interactions(root: ElementTree.Element) -> list[tuple[float, float]]:
    """Return where the coloured lines of branch a start and end."""
    lines = [path.attrib["d"] for path in root.iterfind(f".//{SVG}path[@stroke]")]
    found = [re.fullmatch(rf"M([\d.]+) {LANE_A}(?:H|C.* )?([\d.]+)(?: {LANE_B})?", line) for line in lines]
    return [(float(line[1]), float(line[2])) for line in found if line]


@pytest.mark.parametrize("name", ["msmt17", "veri776", "scales:3"])
def test_every_place_is_drawn_with_its_interaction(name):
    architecture = Architecture.find(name)
    root = picture(architecture)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    drawn = [text for text in texts if text in {"none", "exchange", "gate", "attention"}]
    assert drawn == [INTERACTIONS[name].short for name in architecture.interactions]
    assert root.attrib["aria-label"] == ", ".join(architecture.interactions)


def test_every_interaction_has_a_colour_of_its_own():
    assert len({interaction.colour for interaction in INTERACTIONS.values()}) == len(INTERACTIONS)


@pytest.mark.parametrize("name", ["veri776", "scales:0", "scales:3", "all:exchange:16,0x1"])
def test_a_depth_is_drawn_as_so_many_bars(name):
    architecture = Architecture.find(name)
    root = picture(architecture)
    assert len(bars(root, LANE_A)) == sum(a for a, _ in architecture.depths)
    assert len(bars(root, LANE_B)) == sum(b for _, b in architecture.depths)


def test_a_branch_without_convolutions_has_no_bars():
    assert bars(picture(of_depths((0, 2))), LANE_A) == []
    assert len(bars(picture(of_depths((0, 2))), LANE_B)) == 2


def test_stages_are_drawn_with_their_own_numbers_of_cells():
    architecture = Architecture.from_cells(tuple(((Place("none"),),) * count for count in (1, 3, 2)))
    root = picture(architecture)
    assert len(spans(root, "cell")) == 6
    assert [text.text for text in root.iter(f"{SVG}text") if text.text and text.text.startswith("stage")] == [
        "stage 1",
        "stage 2",
        "stage 3",
    ]


def test_places_get_wider_from_four_bars_on():
    widths = []
    for deep in (0, 3, 4, 16):
        [first, _] = spans(picture(of_depths((deep, 1))), "cell")
        widths.append(first[1] - first[0])
    assert widths[0] == widths[1] < widths[2] < widths[3]


@pytest.mark.parametrize("interaction", INTERACTIONS)
@pytest.mark.parametrize("depths", [((1, 3), (1, 3)), ((0, 0), (2, 3)), ((16, 0), (3, 16)), ((4, 5), (5, 4))], ids=str)
def test_nothing_is_drawn_over_anything_else(depths, interaction):
    """Bars of a branch lie apart from each other and from the interactions, inside the cell."""
    root = picture(of_depths(*depths, interaction=interaction))
    assert len(interactions(root)) == 4
    for lane in (LANE_A, LANE_B):
        drawn = sorted([*bars(root, lane), *interactions(root)])
        assert all(after - before >= 2 for (_, before), (after, _) in pairwise(drawn))
        cells = spans(root, "cell")
        assert all(any(left < start and end < right for left, right in cells) for start, end in drawn)
    edges = spans(root, "cell")
    assert all(before < after for (_, before), (after, _) in pairwise(edges))
    assert edges[-1][1] < float(root.attrib["width"])
