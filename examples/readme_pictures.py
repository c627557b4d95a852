"""Pictures of the README: rankings of a few queries from a run of the demo, and the method, with the report's architecture.

It shows how to read a result: its record says which network was scored, its evidence holds the rankings.

    python examples/readme_pictures.py runs/demo docs/pictures
"""

import argparse
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from msinet.data.pixels import load_image
from msinet.evaluation.evidence import RankedQuery
from msinet.evaluation.result import RetrievalResult
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.search_space import PUBLISHED
from msinet.report.pictures import shrunk

ROWS = ("best", "median", "median", "median", "worst")
"""Group of queries that each row is from; within a group, the first that is left."""
ANSWERS = 8
"""Gallery images in a row."""
CELL, FRAME, GAP = 108, 4, 22
MATCH, NO_MATCH, QUERY = "#2f9e44", "#e03131", "#868e96"

WEIGHTS, ALPHAS = "#1971c2", "#e8590c"
WORDS = {
    "": {
        "search": "1. Search",
        "identities": "training identities, 1/5 each",
        "halves": "shared ones: half of the images each",
        "training": "training batch",
        "validation": "validation batch",
        "place": "one of 12 places in the supernet",
        "options": ("none", "exchange", "channel gate", "cross attention"),
        "mixed": "all four at once, weighted by softmax(α)",
        "memory": ("memory for the weights", "memory for the architecture"),
        "centroid": "a centroid of each identity",
        "turns": ("a: contrast moves the weights", "b: contrast moves the alphas"),
        "keep": "2. Keep the strongest interaction at each place",
        "train": "3. Train that network anew: identity loss + triplet loss",
        "score": "4. Score it on identities that neither search nor training has seen",
    },
    ".zh-CN": {
        "search": "1. 搜索",
        "identities": "训练身份，每格 1/5",
        "halves": "共享的身份：两边各用一半图像",
        "training": "训练批次",
        "validation": "验证批次",
        "place": "超网络中 12 个位置之一",
        "options": ("无交互", "交换", "通道门", "交叉注意力"),
        "mixed": "四种同时计算，按 softmax(α) 加权",
        "memory": ("用于权重的记忆库", "用于结构的记忆库"),
        "centroid": "每个身份一个中心",
        "turns": ("a：与它对比，更新权重", "b：与它对比，更新 α"),
        "keep": "2. 每个位置保留最强的交互",
        "train": "3. 重新训练该网络：身份损失 + 三元组损失",
        "score": "4. 在搜索和训练都未见过的身份上评分",
    },
}
STYLE = """
svg:root { color: #1f2328; font-family: system-ui, "Noto Sans CJK SC", sans-serif }
@media (prefers-color-scheme: dark) { svg:root { color: #e6edf3 } }
.t { font-size: 13px; fill: currentColor } .h { font-size: 16px; font-weight: 600; fill: currentColor }
.m { text-anchor: middle } .line { stroke: currentColor; stroke-width: 1.5; fill: none; opacity: .55 }
.box { fill: currentColor; opacity: .06 } .scale { fill: currentColor; opacity: .45 }
"""


def main() -> None:
    """Read the run, draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="Folder that msinet demo wrote.")
    parser.add_argument("out", type=Path, help="Folder of the pictures.")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    result = RetrievalResult.load(options.run / "result.json")
    found(result.evidence.rankings).save(options.out / "found.webp", quality=85)
    architecture = Architecture.named("veri776")
    for language, words in WORDS.items():
        (options.out / f"method{language}.svg").write_text(method(words, architecture), encoding="utf-8")


def found(rankings: Sequence[RankedQuery]) -> Image.Image:
    """Return a row for each query: the query, then the first gallery images; junk is left out, as in the score."""
    left = {group: [ranking for ranking in rankings if ranking.group == group] for group in ROWS}
    picture = Image.new("RGBA", ((ANSWERS + 1) * CELL + GAP, len(ROWS) * CELL))
    for row, group in enumerate(ROWS):
        ranking = left[group].pop(0)
        answers = [answer for answer in ranking.answers if answer.verdict != "junk"][:ANSWERS]
        _paste(picture, ranking.query.path, 0, row, QUERY)
        for column, answer in enumerate(answers, 1):
            matches = answer.verdict == "match"
            _paste(picture, answer.path, column * CELL + GAP, row, MATCH if matches else NO_MATCH)
            _mark(picture, column * CELL + GAP + CELL - 20, row * CELL + 8, matches)
    return picture


def _paste(picture: Image.Image, path: str, left: int, row: int, color: str) -> None:
    side = CELL - 2 * FRAME - 4
    image = shrunk(load_image(path), side)
    box = (left + 2, row * CELL + 2, left + CELL - 3, row * CELL + CELL - 3)
    ImageDraw.Draw(picture).rectangle(box, outline=color, width=FRAME)
    picture.paste(image, (left + (CELL - image.width) // 2, row * CELL + (CELL - image.height) // 2))


def _mark(picture: Image.Image, x: int, y: int, matches: bool) -> None:
    """Draw a tick or a cross, for readers who cannot tell red from green."""
    pen = ImageDraw.Draw(picture)
    pen.rectangle((x - 2, y - 2, x + 13, y + 13), fill=MATCH if matches else NO_MATCH)
    strokes = [((x + 1, y + 6), (x + 5, y + 10), (x + 11, y + 2))]
    if not matches:
        strokes = [((x + 2, y + 2), (x + 10, y + 10)), ((x + 10, y + 2), (x + 2, y + 10))]
    for stroke in strokes:
        pen.line(stroke, fill="white", width=2)


def method(words: Mapping[str, Any], architecture: Architecture) -> str:
    """Return the method as one SVG, light or dark as the reader's system is."""
    height = 576
    parts = [*_identities(words), *_place(words), *_memories(words)]
    inner = architecture.to_svg()
    parts.append(_text(20, 356, words["keep"], "h"))
    parts.append(f'<svg x="14" y="368" width="932" height="120" {inner[inner.index("viewBox") : inner.index(" width=")]}>')
    parts.append(inner[inner.index("<style>") :])
    for y, step in ((520, "train"), (552, "score")):
        parts.append(_text(20, y, words[step], "h"))
    arrow = '<path d="M0 0L8 4L0 8z" fill="{}"/>'
    markers = "".join(
        f'<marker id="{name}" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto" '
        f'markerUnits="userSpaceOnUse">{arrow.format(color)}</marker>'
        for name, color in (("w", WEIGHTS), ("a", ALPHAS))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {height}" width="960" height="{height}" role="img">'
        f"<style>{STYLE}</style><defs>{markers}</defs>{''.join(parts)}</svg>\n"
    )


def _identities(words: Mapping[str, Any]) -> list[str]:
    """Draw which identities train the weights, which the architecture, and which both with half of their images."""
    parts = [_text(20, 28, words["search"], "h"), _text(20, 62, words["identities"])]
    for i in range(5):
        x, both = 20 + 44 * i, i in (1, 2)
        if i < 3:
            parts.append(_box(x, 72, 42, 12 if both else 26, WEIGHTS))
        if i > 0:
            parts.append(_box(x, 86 if both else 72, 42, 12 if both else 26, ALPHAS))
    parts.append(_text(20, 118, words["halves"]))
    for y, name, color, end in ((162, "training", WEIGHTS, "w"), (232, "validation", ALPHAS, "a")):
        parts += [_box(20, y, 196, 34, color, 0.14), _text(118, y + 22, words[name], "t m")]
        parts.append(_arrow(f"M220 {y + 17}H282", color, end))
    return parts


def _place(words: Mapping[str, Any]) -> list[str]:
    """Draw one place of the supernet: two branches of different scale, and all four interactions."""
    parts = ['<rect class="box" x="288" y="72" width="352" height="228" rx="10"/>']
    parts.append(_text(464, 62, words["place"], "t m"))
    for y, count in ((128, 1), (214, 3)):
        parts.append(f'<path class="line" d="M296 {y}H366M584 {y}H632"/>')
        parts += [
            f'<rect class="scale" x="{x}" y="{y - 8}" width="7" height="16" rx="2"/>'
            for x in range(310, 310 + 14 * count, 14)
        ]
    for i, (name, choice) in enumerate(zip(words["options"], PUBLISHED.choices, strict=True)):
        y, color = 92 + 42 * i, INTERACTIONS[choice].colour
        parts += [_box(370, y, 210, 34, color, 0.16), _box(370, y, 5, 34, color), _text(386, y + 22, name)]
        parts.append(_text(568, y + 22, f"α{'₁₂₃₄'[i]}", "t", "end"))
    parts.append(_text(464, 286, words["mixed"], "t m"))
    return parts


def _memories(words: Mapping[str, Any]) -> list[str]:
    """Draw both memories of centroids, and what each of them updates."""
    parts = []
    for i, (color, end) in enumerate(((WEIGHTS, "w"), (ALPHAS, "a"))):
        y = 72 + 128 * i
        parts += [_box(706, y, 234, 100, color, 0.1), _text(720, y + 24, words["memory"][i])]
        parts.append(_text(720, y + 44, words["centroid"]))
        for dot in range(9 if i == 0 else 12):
            parts.append(f'<circle cx="{726 + 17 * dot}" cy="{y + 62}" r="5" fill="{color}"/>')
        parts.append(_text(720, y + 90, words["turns"][i]))
        parts.append(_arrow(f"M644 {y + 40}H702", color, end))
        parts.append(_arrow(f"M702 {y + 64}H648", color, end))
    return parts


def _box(x: float, y: float, width: float, height: float, color: str, opacity: float = 1) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="{color}" fill-opacity="{opacity}"/>'


def _arrow(path: str, color: str, end: str) -> str:
    return f'<path d="{path}" stroke="{color}" stroke-width="2" fill="none" marker-end="url(#{end})"/>'


def _text(x: float, y: float, text: str, kind: str = "t", anchor: str = "") -> str:
    style = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{kind}" x="{x}" y="{y}"{style}>{escape(text)}</text>'


if __name__ == "__main__":
    main()
