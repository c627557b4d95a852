"""How the page looks and reads: phones, contrast, names for screen readers, and two languages."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.gallery.conftest import DIM, unit
from tests.serve.page.conftest import VIEWS, give, shot, show

import msinet.serve
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.gallery.calibrate import calibrate_gallery
from msinet.gallery.gallery import Gallery

FILES = Path(msinet.serve.__file__).with_name("page")

CONTRASTS = """() => {
    const parts = (colour) => { const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
    const light = ([r, g, b]) => {
        const [R, G, B] = [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * R + 0.7152 * G + 0.0722 * B;
    };
    const ground = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const colour = parts(getComputedStyle(each).backgroundColor);
            if (colour[3] === 1) return colour;
        }
        return [0, 0, 0, 1];
    };
    const words = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    return [...document.querySelectorAll("body *")].filter((each) => words(each) && !each.closest("script, .unseen, .skip"))
        .filter((each) => each.checkVisibility() && !each.matches(":disabled"))
        .map((each) => {
            const style = getComputedStyle(each);
            const ink = light(parts(each instanceof SVGElement ? style.fill : style.color));
            const behind = light(ground(each));
            return [(Math.max(ink, behind) + 0.05) / (Math.min(ink, behind) + 0.05), each.textContent.trim()];
        });
}"""

NAMED = "button, a[href], input, select, summary, dialog, [role=img], img"
NAMELESS = """(named) => [...document.querySelectorAll(named)].filter((each) => {
    const by = each.getAttribute("aria-labelledby");
    const label = by ? document.getElementById(by)?.textContent : each.getAttribute("aria-label");
    const words = [label, each.getAttribute("alt"), each.textContent];
    words.push(...[...(each.labels ?? [])].map((one) => one.textContent));
    words.push(...[...each.querySelectorAll("img")].map((image) => image.alt));
    return !words.some((one) => one?.trim()) || (each.matches("img") && !each.alt);
}).map((each) => each.outerHTML)"""


@pytest.fixture(scope="module")
def words(tmp_path_factory, chromium):
    """The table of words, as the browser reads it: { key: [English, Chinese] }."""
    page = chromium.new_context().new_page()
    page.route("**/*", lambda route: route.fulfill(path=FILES / route.request.url.partition("/page/")[2]))
    page.goto("http://127.0.0.1/page/icon.svg")
    yield page.evaluate("import('/page/js/strings.js').then((module) => module.STRINGS)")
    page.context.close()


def test_no_view_of_a_phone_scrolls_sideways(visit, serve, yard):
    page = visit(serve(yard), viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    for view in VIEWS:
        show(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, view
    give(page, shot(1, 7))
    page.click("text=Filters")
    for label in page.locator(".cards .tick").all():
        label.check()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_words_stand_out_from_their_ground(visit, serve, yard, scheme):
    page = visit(serve(yard), color_scheme=scheme)
    checked = 0
    for view in VIEWS:
        show(page, view)
        page.evaluate("document.querySelector('.opener')?.click(); document.querySelector('.right')?.click()")
        page.evaluate("document.querySelector('.cards .tick input')?.click()")
        contrasts = page.evaluate(CONTRASTS)
        checked += len(contrasts)
        assert [one for one in contrasts if one[0] < 4.5] == [], view
    page.click("[data-key=keys]")
    assert [one for one in page.evaluate(CONTRASTS) if one[0] < 4.5] == []
    assert checked > 100
    assert (
        page.evaluate("getComputedStyle(document.body).backgroundColor")
        == {
            "light": "rgb(255, 255, 255)",
            "dark": "rgb(20, 23, 26)",
        }[scheme]
    )


def test_everything_has_a_name_and_headings_are_in_order(page):
    for view in VIEWS:
        show(page, view)
        assert page.evaluate(NAMELESS, NAMED) == [], view
        levels = [
            int(tag[1]) for tag in page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((one) => one.tagName)")
        ]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels)), view
    page.click("text=Add pictures")
    page.wait_for_selector("dialog")
    assert page.evaluate(NAMELESS, NAMED) == []


def test_the_answer_is_said_and_the_focus_goes_to_it(page):
    page.locator("a.shot").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("main:not([aria-busy]) .query")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert page.inner_text("#said") == "Matches. 5 matches"
    outline = "document.activeElement.matches('a.shot') && getComputedStyle(document.activeElement).outlineStyle"
    page.keyboard.press("j")
    assert page.evaluate(outline) == "solid"


def test_the_browser_chooses_the_language_and_a_button_changes_it(visit, serve, yard):
    page = visit(serve(yard), locale="zh-CN")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.inner_text("h1") == "搜索"
    page.click("[data-key=language]")
    page.wait_for_selector("text=Newest entries")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.reload()
    page.wait_for_selector("text=Newest entries")


def test_both_languages_say_all_with_the_same_values(words):
    values = re.compile(r"\{(\w+)")
    for key, (english, chinese) in words.items():
        assert english, key
        assert re.search(r"[一-鿿]", chinese) or key in ("otherLanguage", "falsePositivesShort"), key
        assert sorted(values.findall(english)) == sorted(values.findall(chinese)), key


def test_all_words_of_the_page_are_in_the_table_and_no_others(words):
    scripts = {file.name: file.read_text(encoding="utf-8") for file in (FILES / "js").glob("*.js")}
    scripts.pop("strings.js")
    text = "\n".join(scripts.values())
    used = set(re.findall(r"\bt\(\"(\w+)\"", text))
    assert used <= set(words)
    assert [key for key in words if key not in used and f'"{key}"' not in text] == []


def test_the_gallery_shows_its_calibration(visit, serve, tmp_path):
    gallery = Gallery.create(tmp_path / "vectors", dim=DIM)
    gallery.add(unit(40), identity="one")
    views = unit(60, seed=1).repeat(2, axis=0) + 0.1 * unit(120, seed=2)
    views /= np.linalg.norm(views, axis=1, keepdims=True)
    records = [
        ImageRecord(Path(f"{object}{camera}"), f"o{object}", f"c{camera}") for object in range(60) for camera in range(2)
    ]
    calibration = calibrate_gallery(gallery, Embeddings(views, records), rate=0.05)
    page = visit(serve(gallery) + "#/gallery")
    assert f"{calibration.threshold:.4f}" in page.inner_text("main")
    assert page.locator("figure .line").count() == 3
    points = page.get_attribute("figure .line.green", "points").split()
    assert len(points) == len(calibration.curve.thresholds)
    show(page, "#/entry/1")
    assert page.locator(".card .score :text('known')").count() == 10
    assert page.locator(".card .shot img").count() == 0  # No thumbnails: words in their place.


def test_words_of_entries_are_never_code(visit, serve, yard):
    evil = "<img src=x onerror=alert(1)>"
    yard.add(shot(8), identity=evil, camera='"><script>alert(1)</script>')
    page = visit(serve(yard))
    assert page.locator(".card .labels b").first.inner_text() == evil
    page.click(".card >> nth=0 >> a.shot")
    page.wait_for_selector(".query .own")
    assert page.locator("main [onerror], main script").count() == 0


def test_the_page_asks_for_nothing_that_is_not_beside_it():
    page = (FILES / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page) == []
    for address in re.findall(r"(?:src|href)=\"([^\"]+)\"", page):
        assert (FILES / address).is_file()
    for file in (*FILES.glob("js/*.js"), *FILES.glob("*.css")):
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"https?://|innerHTML|outerHTML|insertAdjacentHTML|\beval\b|new Function", text) == [], file.name
