from xml.etree import ElementTree

import pytest

from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.interactions import INTERACTIONS


@pytest.mark.parametrize("name", ["msmt17", "veri776"])
def test_every_place_is_drawn_with_its_interaction(name):
    architecture = Architecture.named(name)
    root = ElementTree.fromstring(architecture.to_svg())
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert sum(text in {"none", "exchange", "gate", "attention"} for text in texts) == 12
    assert root.attrib["aria-label"] == ", ".join(architecture.interactions)


def test_every_interaction_has_a_colour_of_its_own():
    assert len({interaction.colour for interaction in INTERACTIONS.values()}) == len(INTERACTIONS)
