"""Figures of docs/method.md: the network, the sides of the search, the taps of a branch, and the effects that trials found.

It shows how to read the `architecture.json` of a search with trials: its choices hold gains and their standard errors, its
effects those of the other options.

    python examples/method_pictures.py runs/search/architecture.json docs/pictures
"""

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.search_space import PUBLISHED, PUBLISHED_DEPTHS, SCALES
from msinet.model.msinet.widths import CHANNELS

WIDTH = 640
"""Of every figure, small enough that its text can be read on a telephone."""
WEIGHTS, ALPHAS, TRIALS, PLAIN = "#1971c2", "#e8590c", "#2f9e44", "#868e96"
STYLE = """
svg:root { color: #1f2328; font-family: system-ui, sans-serif; font-size: 14px }
@media (prefers-color-scheme: dark) { svg:root { color: #e6edf3 } }
text { fill: currentColor } .h { font-weight: 600 } .s { font-size: 12px } .line { stroke: currentColor; opacity: .55 }
"""
HEADINGS = {
    "interaction": "interaction",
    "depth_a": "depth of branch a",
    "depth_b": "depth of branch b",
    "cells": "cells of a stage",
}
LOOKS = {
    "better": (WEIGHTS, False, "better"),
    "cheaper": (PLAIN, True, "within a standard error: the cheaper one"),
    "budget": (ALPHAS, False, "the budget decided"),
}
"""Why an option was taken: colour, whether it is a ring, and words."""
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
"""Distances between the marks of an axis, in points of mAP."""


class Figure:
    """An SVG in the making, light or dark as the reader's system is. Lengths are in pixels, from the upper left corner."""

    def __init__(self, height: float, title: str) -> None:
        self.height, self.title = height, title
        self.parts: list[str] = []

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        """Write words whose base line starts, has its middle or ends at a point."""
        self.parts.append(f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>')

    def box(self, x: float, y: float, width: float, height: float, words: str = "", color: str = PLAIN) -> None:
        """Draw a tinted box with words in its middle."""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" fill="{color}" fill-opacity=".18"/>'
        )
        self.text(x + width / 2, y + height / 2 + 5, words, anchor="middle")

    def path(self, d: str, color: str = "", width: float = 1.5, more: str = "") -> None:
        """Draw a line, in the colour of the text by default."""
        look = f'stroke="{color}"' if color else 'class="line"'
        self.parts.append(f'<path d="{d}" {look} stroke-width="{width}" fill="none" {more}/>')

    def lane(self, y: float, *ends: float) -> None:
        """Draw pieces of a level line, from the first end to the second, from the third to the fourth, ..."""
        self.path("".join(f"M{start:g} {y:g}H{end:g}" for start, end in zip(ends[::2], ends[1::2], strict=True)))

    def arrow(self, d: str, color: str = PLAIN) -> None:
        """Draw a line that ends in an arrow."""
        self.path(d, color, 1.75, f'marker-end="url(#{color[1:]})"')

    def dot(self, x: float, y: float, color: str, radius: float = 5, hollow: bool = False) -> None:
        """Draw a disc or a ring."""
        look = f'fill="none" stroke="{color}" stroke-width="2"' if hollow else f'fill="{color}"'
        self.parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" {look}/>')

    def bars(self, x: float, y: float, count: int) -> None:
        """Draw light 3x3 convolutions around a point of a branch."""
        for i in range(count):
            left = x + 10 * i - 5 * count + 2
            self.parts.append(f'<rect x="{left:g}" y="{y - 9:g}" width="6" height="18" rx="2" fill="{PLAIN}"/>')

    def __str__(self) -> str:
        heads = "".join(
            f'<marker id="{color[1:]}" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto" '
            f'markerUnits="userSpaceOnUse"><path d="M0 0L8 4L0 8z" fill="{color}"/></marker>'
            for color in (WEIGHTS, ALPHAS, TRIALS, PLAIN)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height:g}" width="{WIDTH}" '
            f'height="{self.height:g}" role="img" aria-label="{escape(self.title)}"><title>{escape(self.title)}</title>'
            f"<style>{STYLE}</style><defs>{heads}</defs>{''.join(self.parts)}</svg>\n"
        )


def main() -> None:
    """Read the architecture, draw the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architecture", type=Path, help="architecture.json of a search with trials.")
    parser.add_argument("out", type=Path, help="Folder of the figures.")
    options = parser.parse_args()
    found = json.loads(options.architecture.read_text(encoding="utf-8"))
    if "effects" not in found:
        parser.error(f"{options.architecture} is of a search without trials: pass one of msinet search --trials 150")
    options.out.mkdir(parents=True, exist_ok=True)
    for name, figure in (("network", network()), ("sides", sides()), ("taps", taps()), ("effects", effects(found))):
        (options.out / f"method-{name}.svg").write_text(str(figure), encoding="utf-8")


def network() -> Figure:
    """Return the network from image to embedding, one of its cells, and the four interactions."""
    figure = Figure(556, "The network, one of its cells, and the four interactions")
    _pipeline(figure)
    figure.text(16, 262, "A cell", "h")
    _cell(figure)
    figure.text(16, 460, "The four interactions", "h")
    for i, name in enumerate(PUBLISHED.choices):
        _interaction(figure, 48 + 156 * i, name)
    return figure


def _pipeline(figure: Figure) -> None:
    """Draw the stages, and the heads below them."""
    figure.text(16, 26, "The network", "h")
    figure.text(10, 85, "image")
    figure.arrow("M56 80H72")
    figure.box(76, 52, 54, 56, "stem")
    figure.text(103, 126, f"{CHANNELS[0]}", "s", "middle")
    for s, channels in enumerate(CHANNELS[1:]):
        x = 146 + 160 * s
        figure.arrow(f"M{x - 14} 80H{x - 4}")
        figure.text(x + 57, 44, f"stage {s + 1}", anchor="middle")
        for c in range(2):
            figure.box(x + 60 * c, 52, 54, 56, "cell", WEIGHTS)
        figure.text(x + 57, 126, f"{channels}", "s", "middle")
        if s < 2:
            figure.arrow(f"M{x + 116} 80H{x + 124}")
            figure.box(x + 126, 62, 18, 36, "½")
    figure.text(10, 126, "channels", "s")
    figure.arrow("M451 100V146")
    figure.arrow("M580 80H604V146")
    figure.box(300, 150, 176, 30, "part head: 2 × 128-d")
    figure.box(486, 150, 146, 30, "global head: 512-d")
    figure.arrow("M451 180V206")
    figure.arrow("M559 180V206")
    figure.box(394, 210, 238, 30, "embedding: 768-d, unit length")


def _cell(figure: Figure) -> None:
    """Draw both branches of a cell, with the published depths, and the path around them."""
    a, b, around = 300, 356, 408
    figure.path(f"M16 328H40M40 {a}V{around}H168M416 {around}H510V340")
    for y, name, (depth,) in ((a, "branch a", PUBLISHED_DEPTHS[0]), (b, "branch b", PUBLISHED_DEPTHS[1])):
        figure.lane(y, 40, 78, 114, 180, 244, 340, 404, 420)
        figure.path(f"M456 {y}H486L502 {320 if y == a else 336}")
        figure.text(96, y - 20, name, "s", "middle")
        for x in (146, 306):
            figure.bars(x, y, depth)
        for x in (78, 420):
            figure.box(x, y - 14, 36, 28, "1×1")
    for x in (180, 340):
        figure.box(x, a - 26, 64, b - a + 52, "inter-", ALPHAS)
        figure.text(x + 32, (a + b) / 2 + 21, "action", anchor="middle")
    figure.box(168, around - 14, 248, 28, "1×1 where the channels change")
    figure.dot(510, 328, PLAIN, 11, hollow=True)
    figure.path("M504 328H516M510 322V334")
    figure.arrow("M521 328H536")
    figure.box(540, 314, 50, 28, "ReLU")
    figure.arrow("M590 328H620")
    figure.bars(438, around + 24, 1)
    figure.text(448, around + 29, "light 3×3, ¼ of the channels", "s")


def _interaction(figure: Figure, x: float, name: str) -> None:
    """Draw what an interaction does with the two branches."""
    interaction = INTERACTIONS[name]
    a, b, color = 484, 520, interaction.colour
    for y, other in ((a, b), (b, a)):
        bend = f"C{x + 30} {y} {x + 30} {other} {x + 60} {other}" if interaction.crosses else f"H{x + 60}"
        figure.path(f"M{x} {y}{bend}", color, 2.5)
        if interaction.weighs:
            figure.dot(x + 30, y, color, 6)
    if interaction.links:
        figure.path(f"M{x + 30} {a}V{b}", color, 2.5, 'stroke-dasharray="4 3"')
    figure.text(x + 30, b + 28, name.replace("_", " "), anchor="middle")


def sides() -> Figure:
    """Return which identities train the weights and which the alphas, and the three steps of an iteration."""
    figure = Figure(420, "Sides of the search: identities, memories and steps")
    figure.text(16, 26, "Training identities, a fifth each", "h")
    seen = (
        ("weights ω", WEIGHTS, ("all images", "half", "half", "", "")),
        ("alphas", ALPHAS, ("", "other half", "other half", "all images", "all images")),
        ("trials (section 5)", TRIALS, ("", "", "", "scored", "scored")),
    )
    for row, (name, color, images) in enumerate(seen):
        y = 44 + 40 * row
        figure.text(16, y + 21, name)
        for i, words in enumerate(images):
            figure.box(144 + 98 * i, y, 92, 32, words, color if words else "none")
    figure.text(16, 204, "One iteration", "h")
    rows = (
        ("training batch", "moves ω", "memory C_tr", WEIGHTS, 9, "1  loss, eq. 2", "2  centroids, eq. 3"),
        ("validation batch", "moves alphas", "memory C_val", ALPHAS, 12, "3  loss, eq. 2", "then centroids, eq. 3"),
    )
    for row, (batch, moves, memory, color, centroids, loss, fold) in enumerate(rows):
        y = 222 + 96 * row
        figure.box(16, y + 18, 128, 44, batch, color)
        figure.arrow(f"M146 {y + 40}H164", color)
        figure.box(168, y, 112, 80, "", color)
        figure.text(224, y + 36, "supernet", anchor="middle")
        figure.text(224, y + 56, moves, anchor="middle")
        figure.text(355, y + 18, loss, "s", "middle")
        figure.arrow(f"M428 {y + 26}H284", color)
        figure.arrow(f"M282 {y + 54}H426", color)
        figure.text(355, y + 72, fold, "s", "middle")
        figure.box(430, y, 202, 80, "", color)
        figure.text(444, y + 28, memory)
        for i in range(centroids):
            figure.dot(448 + 15 * i, y + 48, color)
        figure.text(444, y + 72, "a centroid of each identity", "s")
    return figure


def taps() -> Figure:
    """Return how one pass weighs the maps of all depths of a branch, and those of all numbers of cells."""
    depths, cells = SCALES.depths[1], SCALES.numbers_of_cells
    figure = Figure(
        400, f"A branch with taps at depths {', '.join(map(str, depths))}, and a stage with taps after each cell"
    )
    figure.text(16, 26, "Branch b before an interaction: light 3×3 convolutions", "h")
    _tapped(figure, 70, "3×3", {depth: f"depth {depth}" for depth in depths}, "to the interaction")
    figure.text(16, 226, "A stage", "h")
    _tapped(figure, 270, "cell", {count: f"{count} cell{'s' * (count > 1)}" for count in cells}, "to the next stage")
    return figure


def _tapped(figure: Figure, y: float, block: str, options: Mapping[int, str], end: str) -> None:
    """Draw blocks in a row; the maps after some numbers of them are weighed by the shares of the options."""
    gap, sum_y, sum_x = 92, y + 90, 560
    taps = [40 + gap * count for count in options]
    blocks = range(56, taps[-1], gap)
    figure.lane(y, 16, *(x for left in blocks for x in (left, left + 60)), taps[-1])
    for left in blocks:
        figure.box(left, y - 16, 60, 32, block)
    for (count, name), x in zip(options.items(), taps, strict=True):
        figure.dot(x, y, ALPHAS)
        figure.path(f"M{x} {y}V{sum_y}", ALPHAS)
        figure.text(x + 10, y + 42, name, "s")
        figure.text(x + 10, y + 60, f"× share{'₀₁₂₃₄₅₆₇₈₉'[count]}", "s")
    figure.path(f"M{taps[0]} {sum_y}H{sum_x - 11}", ALPHAS)
    figure.dot(sum_x, sum_y, ALPHAS, 11, hollow=True)
    figure.path(f"M{sum_x - 6} {sum_y}H{sum_x + 6}M{sum_x} {sum_y - 6}V{sum_y + 6}", ALPHAS)
    figure.arrow(f"M{sum_x + 11} {sum_y}H624", ALPHAS)
    figure.text(624, sum_y + 28, end, "s", "end")


def effects(found: Mapping[str, Any]) -> Figure:
    """Return each decision of a search by trials: gains of the option that was taken over the others of its place."""
    choices = [choice for choice in found["choices"] if choice["gain"] is not None]
    others = [[100 * gain for gain in _gains_over_others(found, choice)] for choice in choices]
    ends = [0.0, *(100 * (choice["gain"] + sign * choice["error"]) for choice in choices for sign in (-1, 1))]
    ends += [gain for gains in others for gain in gains]
    step = next((step for step in STEPS if (max(ends) - min(ends)) / step <= 8), STEPS[-1])
    low = math.floor(min(ends) / step)
    high = max(math.ceil(max(ends) / step), low + 1)
    headings = [name for name in HEADINGS if any(choice["decision"] == name for choice in choices)]
    bottom = 64 + 20 * len(choices) + 34 * len(headings)
    figure = Figure(bottom + 52, "Gain of each option that was taken over the others, with standard errors")

    def at(points: float) -> float:
        return 184 + 300 * (points / step - low) / (high - low)

    for mark in range(low, high + 1):
        figure.path(f"M{at(mark * step):g} 44V{bottom}", more=f'style="opacity:{0.15 if mark else 0.6}"')
        figure.text(at(mark * step), bottom + 18, f"{mark * step:g}", "s", "middle")
    figure.text(334, bottom + 40, "mAP of the taken option less another's, points", anchor="middle")
    for x, (color, hollow, words) in zip((20, 98, 378), LOOKS.values(), strict=True):
        figure.dot(x, 20, color, hollow=hollow)
        figure.text(x + 12, 25, words, "s")
    figure.path("M520 14V26", PLAIN, 2)
    figure.text(528, 25, "other options", "s")
    y = 44
    for name in headings:
        y += 34
        figure.text(16, y, HEADINGS[name], "h")
        for choice, gains in zip(choices, others, strict=True):
            if choice["decision"] == name:
                y += 20
                _row(figure, y, found["space"], choice, gains, at)
    return figure


def _row(
    figure: Figure,
    y: float,
    space: Mapping[str, Any],
    choice: Mapping[str, Any],
    others: Sequence[float],
    at: Callable[[float], float],
) -> None:
    """Draw the gain over the rival with its standard error, and the gains over the other options."""
    gain, error = 100 * choice["gain"], 100 * choice["error"]
    color, hollow, _ = LOOKS["better" if gain > error else "cheaper" if gain >= -error else "budget"]
    figure.text(16, y + 4, _where(space, choice), "s")
    for other in others:
        figure.path(f"M{at(other):g} {y - 5}V{y + 5}", PLAIN, 2)
    ends = [at(gain - error), at(gain) - 5, at(gain) + 5, at(gain + error)]
    for start, end in zip(ends[::2], ends[1::2], strict=True):
        if start < end:
            figure.path(f"M{start:g} {y}H{end:g}", color, 2)
    figure.dot(at(gain), y, color, hollow=hollow)
    names = (choice[which] for which in ("taken", "rival"))
    figure.text(500, y + 4, " over ".join(INTERACTIONS[n].short if n in INTERACTIONS else n for n in names), "s")


def _where(space: Mapping[str, Any], choice: Mapping[str, Any]) -> str:
    """Return the place or the stage of a choice in words."""
    if choice["decision"] == "cells":
        return f"stage {choice['row'] + 1}"
    cell, place = divmod(choice["row"], space["interactions_per_cell"])
    stage, cell = divmod(cell, space["cells_per_stage"])
    return f"stage {stage + 1}, cell {cell + 1}, place {place + 1}"


def _gains_over_others(found: Mapping[str, Any], choice: Mapping[str, Any]) -> list[float]:
    """Return the gains of the option that was taken over all others but the rival; a stage has none but the rival."""
    prefix = {"interaction": "", "depth_a": "a", "depth_b": "b"}.get(choice["decision"])
    if prefix is None:
        return []
    options = found["space"]["depths"][prefix] if prefix else found["space"]["choices"]
    at_place = dict(zip(found["effects"]["columns"], found["effects"]["rows"][choice["row"]], strict=True))
    others = [option for option in map(str, options) if option not in (choice["taken"], choice["rival"])]
    return [at_place[prefix + choice["taken"]] - at_place[f"{prefix}{option}"] for option in others]


if __name__ == "__main__":
    main()
