"""Drawing of an architecture: two lanes of different scale, and the interactions where they meet."""

from collections.abc import Sequence
from html import escape

from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.search_space import Place

LANE_A, LANE_B = 38, 108
"""Heights of the two branches' lines."""
PLACE = 92
"""Width of a place with up to three scales before it."""
BAR = 9
"""Width that a scale takes."""

STYLE = """
text { font: 12px system-ui, sans-serif; fill: currentColor }
.small { font-size: 10px } .light { opacity: .65 } .middle { text-anchor: middle }
.lane { stroke: currentColor; stroke-width: 1.5; fill: none; opacity: .55 }
.cell { fill: currentColor; opacity: .06 }
.scale { fill: currentColor; opacity: .45 }
"""


def draw(stages: Sequence[Sequence[Sequence[Place]]]) -> str:
    """Return an architecture, the places of each cell of each stage, as one SVG in the text colour of its page."""
    x, parts = 100.0, [_text(8, LANE_A, "branch a"), _text(8, LANE_B, "branch b")]
    parts.append(_text(8, (LANE_A + LANE_B) / 2 + 4, "bar: light 3x3", "small light"))
    for s, stage in enumerate(stages, 1):
        start = x
        for cell in stage:
            starts = [x + 8 + sum(map(_width, cell[:i])) for i in range(len(cell))]
            width = sum(map(_width, cell)) + 16
            parts.append(f'<rect class="cell" x="{x}" y="14" width="{width}" height="124" rx="8"/>')
            parts += [_lane(x - 6, x + 8, y) for y in (LANE_A, LANE_B)]
            for place, start_of in zip(cell, starts, strict=True):
                parts.append(_place(start_of, place))
            x += width + 12
        parts.append(_text((start + x - 12) / 2, 158, f"stage {s}", "middle"))
        x += 16
    width = x + 4
    title = escape(", ".join(place.interaction for stage in stages for cell in stage for place in cell))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} 168" width="{width:.0f}" height="168" '
        f'role="img" aria-label="{title}"><title>{title}</title><style>{STYLE}</style>{"".join(parts)}</svg>\n'
    )


def _width(place: Place) -> float:
    """Return the width of a place: four bars and more need room of their own."""
    return PLACE + BAR * max(place.depth_a - 3, place.depth_b - 3, 0)


def _place(x: float, place: Place) -> str:
    """Draw the scales of both branches and the interaction after them."""
    interaction = INTERACTIONS[place.interaction]
    color = interaction.colour
    end = x + _width(place)
    meet = end - PLACE + 40
    parts = [_lane(x, meet, y) for y in (LANE_A, LANE_B)]
    for y, depth in ((LANE_A, place.depth_a), (LANE_B, place.depth_b)):
        first = x + 4 + BAR * (max(place.depth_a, place.depth_b, 3) - depth) / 2
        parts += [
            f'<rect class="scale" x="{first + BAR * i:g}" y="{y - 7}" width="6" height="14" rx="2"/>' for i in range(depth)
        ]
    stroke = f'stroke="{color}" stroke-width="2.5" fill="none"'
    ahead = meet + 36
    for y, other in ((LANE_A, LANE_B), (LANE_B, LANE_A)):
        bend = f"C{meet + 20} {y} {ahead - 20} {other} {ahead} {other}" if interaction.crosses else f"H{ahead}"
        parts.append(f'<path d="M{meet} {y}{bend}" {stroke}/>')
    if interaction.links:
        parts.append(f'<path d="M{meet + 18} {LANE_A}V{LANE_B}" {stroke} stroke-dasharray="4 3"/>')
    if interaction.weighs:
        parts += [f'<circle cx="{meet + 18}" cy="{y}" r="6" fill="{color}"/>' for y in (LANE_A, LANE_B)]
    parts += [_lane(ahead, end, y) for y in (LANE_A, LANE_B)]
    parts.append(_text(meet + 18, LANE_B + 20, interaction.short, "small middle", color))
    return "".join(parts)


def _lane(start: float, end: float, y: float) -> str:
    return f'<path class="lane" d="M{start} {y}H{end}"/>'


def _text(x: float, y: float, text: str, kind: str = "", color: str = "") -> str:
    style = f' style="fill:{color}"' if color else ""
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}"{style}>{escape(text)}</text>'
