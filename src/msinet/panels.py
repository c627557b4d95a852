"""Panels of the help texts, in their order: each setting names the one it belongs to."""

from cyclopts import Group, Parameter


def _panel(name: str, place: int) -> Parameter:
    return Parameter(group=Group(name, sort_key=place))


DATA = _panel("Data", 1)
SCORING = _panel("Scoring", 2)
IMAGES = _panel("Images", 3)
NETWORK = _panel("Network", 4)
SEARCH = _panel("Search", 5)
SCHEDULE = _panel("Schedule", 6)
OPTIMIZER = _panel("Optimizer", 7)
LOSSES = _panel("Losses", 8)
ALIGNMENT = _panel("Alignment", 9)
WORLD = _panel("Synthetic vehicles", 10)
MACHINE = _panel("Machine", 11)
OUTPUT = _panel("Output", 12)
