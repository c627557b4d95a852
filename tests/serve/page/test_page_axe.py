"""The rules of axe for those who see, hear or use the page otherwise: names, roles, contrasts, order."""

import pytest
from tests.serve.page.conftest import VIEWS, give, shot, show

from msinet.serve.security import Tokens

LOOKS = [("light", "en-GB"), ("dark", "zh-CN")]
GRAVE = ("serious", "critical")


@pytest.fixture
def inspect(visit):
    """Return functions that open an address, and that add what axe finds on a page to a list, which is the third."""
    script = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    axe, found = script.Axe(), []

    def look(page, where):
        results = axe.run(page).response
        assert results["passes"], where
        grave = [one for one in results["violations"] if one["impact"] in GRAVE]
        found.extend((where, one["id"], node["html"][:200]) for one in grave for node in one["nodes"])

    # The page's own policy forbids axe, which is script of another source.
    return lambda address, **options: visit(address, bypass_csp=True, **options), look, found


@pytest.mark.parametrize(("scheme", "locale"), LOOKS)
def test_axe_finds_nothing_serious(inspect, serve, yard, scheme, locale):
    visit, look, found = inspect
    yard.store.judge(1, 2, True)
    page = visit(serve(yard), color_scheme=scheme, locale=locale)
    for view in VIEWS:
        show(page, view)
        page.evaluate("document.querySelector('.opener')?.click(); document.querySelector('.cards .tick input')?.click()")
        look(page, view)
    page.fill("form.pair input", "v1")
    for opener in ("form.pair button", "[data-key=keys]", "[data-key=add]"):
        page.click(opener)
        page.wait_for_selector("dialog[open]")
        look(page, f"dialog of {opener}")
        page.keyboard.press("Escape")
    give(page, shot(1, view=7))
    look(page, "matches of a picture")
    page.evaluate("location.hash = '#/entry/99'")
    page.wait_for_selector("#errors .error")
    look(page, "error")
    assert found == []


@pytest.mark.parametrize(("scheme", "locale"), LOOKS)
def test_axe_finds_nothing_serious_in_the_question_for_the_token(inspect, serve, yard, scheme, locale):
    visit, look, found = inspect
    look(visit(serve(yard, Tokens("a-token-that-writes")), color_scheme=scheme, locale=locale), "token")
    assert found == []


def test_axe_would_find_a_field_without_a_name_and_pale_words(inspect, serve, yard):
    visit, look, found = inspect
    page = visit(serve(yard))
    page.evaluate("document.querySelector('h1').style.color = '#ccc'")
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    look(page, "spoiled")
    assert {rule for _, rule, _ in found} == {"color-contrast", "label"}
