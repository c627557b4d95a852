"""Drawing of an architecture: two lanes of different scale, and the interactions where they meet."""

from collections.abc import Sequence
from html import escape

from msinet.model.msinet.interactions import INTERACTIONS

LANE_A, LANE_B = 38, 108
"""Heights of the two branches' lines."""
PLACE = 92
"""Width of a place with the scales before it."""

STYLE = """
text { font: 12px system-ui, sans-serif; fill: currentColor }
.small { font-size: 10px } .light { opacity: .65 } .middle { text-anchor: middle }
.lane { stroke: currentColor; stroke-width: 1.5; fill: none; opacity: .55 }
.cell { fill: currentColor; opacity: .06 }
.scale { fill: currentColor; opacity: .45 }
"""


def draw(stages: Sequence[Sequence[Sequence[str]]]) -> str:
    """Return an architecture, the interactions of each cell of each stage, as one SVG in the text colour of its page."""
    x, parts = 100.0, [_text(8, LANE_A, "branch a"), _text(8, LANE_B, "branch b")]
    parts += [
        _text(8, LANE_A + 14, "one light 3x3", "small light"),
        _text(8, LANE_B + 14, "three light 3x3", "small light"),
    ]
    for s, stage in enumerate(stages, 1):
        start = x
        for cell in stage:
            width = PLACE * len(cell) + 16
            parts.append(f'<rect class="cell" x="{x}" y="14" width="{width}" height="124" rx="8"/>')
            parts += [_lane(x - 6, x + 8, y) for y in (LANE_A, LANE_B)]
            for i, name in enumerate(cell):
                parts.append(_place(x + 8 + i * PLACE, name))
            x += width + 12
        parts.append(_text((start + x) / 2 - 24, 158, f"stage {s}"))
        x += 16
    width = x + 4
    title = escape(", ".join(name for stage in stages for cell in stage for name in cell))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} 168" width="{width:.0f}" height="168" '
        f'role="img" aria-label="{title}"><title>{title}</title><style>{STYLE}</style>{"".join(parts)}</svg>\n'
    )


def _place(x: float, name: str) -> str:
    """Draw the scales of both branches and the interaction after them."""
    interaction = INTERACTIONS[name]
    color = interaction.colour
    meet, end = x + 40, x + PLACE
    parts = [_lane(x, meet, y) for y in (LANE_A, LANE_B)]
    parts += [f'<rect class="scale" x="{x + 12}" y="{LANE_A - 7}" width="6" height="14" rx="2"/>']
    parts += [f'<rect class="scale" x="{x + 4 + 9 * i}" y="{LANE_B - 7}" width="6" height="14" rx="2"/>' for i in range(3)]
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
