"""What people do with the page: search, filter, mark, add, remove and compare, by hand and by keys."""

from zipfile import ZipFile

import numpy as np
import pytest
from tests.serve.conftest import Mapped
from tests.serve.page.conftest import found, give, png, shot, show

from msinet.gallery.gallery import Gallery
from msinet.serve.security import Tokens


def verdicts(gallery):
    return {(one, other): same for one, other, same in gallery.store.verdicts()}


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_finds_its_object_first(page, kind):
    give(page, shot(1, view=7), kind=kind)
    assert found(page)[:2] == ["v1", "v1"]
    assert float(page.locator(".score .number").first.inner_text().split()[-1]) > 0.8
    assert page.locator(".query .frame img").count() == 1


def test_a_chosen_picture_finds_its_object_first(page):
    page.set_input_files("#chooser", {"name": "a.png", "mimeType": "image/png", "buffer": png(shot(2, view=7))})
    page.wait_for_selector(".query")
    assert found(page)[0] == "v2"


def test_a_box_on_a_picture_searches_with_what_is_in_it(page):
    give(page, np.concatenate([shot(0, 7), shot(2, 7)], axis=1).repeat(8, 0).repeat(8, 1))  # 256 x 128: v0 left, v2 right.
    area = page.locator(".overlay").bounding_box()
    left, top, right, bottom = (area["x"], area["y"], area["x"] + area["width"], area["y"] + area["height"])
    page.mouse.move(left + area["width"] / 2 + 1, top + 1)
    page.mouse.down()
    page.mouse.move(right, bottom)
    page.mouse.up()
    page.wait_for_selector(".cut img")
    assert found(page)[:2] == ["v2", "v2"]
    page.go_back()
    page.wait_for_selector(".cut", state="detached")
    page.click("text=Box in pixels")
    for side, value in zip(("left", "top", "right", "bottom"), (0, 0, 128, 128), strict=True):
        page.get_by_label(side, exact=True).fill(str(value))
    page.click("text=Search in the box")
    page.wait_for_selector(".cut img")
    assert found(page)[:2] == ["v0", "v0"]


def test_a_picture_that_cannot_be_read_is_named_in_words(page):
    give(page, png(shot(1))[:60])
    page.wait_for_selector(".top [role=alert]")
    assert "truncated" in page.inner_text(".top [role=alert]")
    assert page.inner_text("h1") == "No answer"


def test_filters_choose_among_the_matches_and_the_address_keeps_them(page):
    show(page, "#/entry/1")
    page.click("text=Other cameras only")
    page.wait_for_selector(".chip")
    cameras = page.locator(".card .labels .small:nth-child(2)").all_inner_texts()
    assert len(cameras) == 3
    assert all("camera c1" in words for words in cameras)
    page.reload()
    page.wait_for_selector(".chip button")
    page.click(".chip button")
    page.wait_for_selector(".chip", state="detached")
    assert len(found(page)) == 5
    page.click("text=Filters")
    page.get_by_label("Value").fill("2")
    page.click("form >> text=Filter")
    page.wait_for_selector(".chip")
    assert found(page) == ["v2", "v2"]
    page.go_back()
    page.wait_for_selector(".chip", state="detached")
    page.click("text=One of each identity")
    page.wait_for_selector("[data-key=one][aria-pressed=true]")
    assert sorted(found(page)) == ["v0", "v1", "v2"]


def test_a_time_window_leaves_the_other_day_out(visit, serve, yard):
    page = visit(serve(yard) + "#/entry/1", timezone_id="Asia/Shanghai")
    page.click("text=Filters")
    page.get_by_label("From", exact=True).fill("2026-05-02T00:00")
    page.wait_for_selector(".chip")
    assert len(found(page)) == 3
    assert "2 May 2026, 20:00" in page.inner_text(".card .labels >> nth=0")  # 12:00 in UTC.


def test_marks_are_kept_shown_again_and_undone(page, yard):
    show(page, "#/entry/1")
    page.click(".card[data-id='2'] >> text=Right")
    page.wait_for_selector(".card.is-right")
    page.click(".card[data-id='5'] >> text=Wrong")
    page.wait_for_selector(".card.is-wrong")
    assert verdicts(yard) == {(1, 2): True, (1, 5): False}
    page.reload()
    page.wait_for_selector(".card[data-id='5'].is-wrong")
    page.click(".card[data-id='5'] >> text=Wrong")
    page.wait_for_selector(".card.is-wrong", state="detached")
    page.keyboard.press("u")
    page.wait_for_selector(".card[data-id='5'].is-wrong")
    assert verdicts(yard) == {(1, 2): True, (1, 5): False}


def test_a_mark_of_an_uploaded_picture_keeps_it_only_if_the_user_agrees(page, yard):
    give(page, shot(1, view=7))
    page.click(".card >> nth=0 >> text=Right")
    page.click("dialog >> text=Cancel")
    page.wait_for_selector("dialog", state="detached")
    assert (len(yard), verdicts(yard)) == (6, {})
    page.click(".card >> nth=0 >> text=Right")
    page.click("dialog button.main")
    page.wait_for_selector(".query .own")
    page.wait_for_selector(".card.is-right")
    assert len(yard) == 7
    ((one, other),) = verdicts(yard)
    assert {one, other} == {7, int(page.get_attribute(".card.is-right", "data-id"))}
    page.keyboard.press("u")
    page.wait_for_selector(".card.is-right", state="detached")
    assert verdicts(yard) == {}


def test_a_picture_is_added_with_its_labels(visit, serve, yard):
    page = visit(serve(yard), timezone_id="Europe/Rome")
    page.click("text=Add pictures")
    page.get_by_label("Pictures", exact=True).set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": png(shot(9))}
    )
    for label, value in {"Identity": "v9", "Camera": "c1", "Time": "2026-05-03T14:00:00"}.items():
        page.locator("dialog").get_by_label(label, exact=True).fill(value)
    page.click("dialog button.main")
    page.wait_for_selector(".query .own")
    entry = yard.entry(7)
    assert (entry.identity, entry.camera, entry.time.isoformat()) == ("v9", "c1", "2026-05-03T12:00:00+00:00")


def test_removing_asks_once(page, yard):
    page.click(".card[data-id='6'] [aria-label^=Remove]")
    page.click("dialog >> text=Cancel")
    page.wait_for_selector("dialog", state="detached")
    assert len(yard) == 6
    page.click(".card[data-id='6'] [aria-label^=Remove]")
    page.click("dialog button.danger")
    page.wait_for_selector(".card[data-id='6']", state="detached")
    assert len(yard) == 5
    page.click(".card[data-id='3'] .labels a")
    page.click("text=Remove the identity")
    page.click("dialog button.danger")
    page.wait_for_selector(".chooser")
    assert sorted(found(page)) == ["v0", "v0", "v2"]
    assert len(yard) == 3


def test_keys_move_search_select_compare_and_mark(page, yard):
    for key in "jjk":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_selector(".query .own")
    assert page.evaluate("location.hash") == "#/entry/6"  # The newest.
    for key in "jyn":
        page.keyboard.press(key)
    page.wait_for_selector(".card.is-wrong")
    first, second = (int(page.get_attribute(f".card >> nth={at}", "data-id")) for at in (0, 1))
    assert verdicts(yard) == {(min(6, id), max(6, id)): same for id, same in ((first, True), (second, False))}
    for key in "kkxjx":
        page.keyboard.press(key)
    assert page.inner_text(".selection b") == "2 selected"
    page.keyboard.press("c")
    page.wait_for_selector(".region")
    assert page.evaluate("location.hash") == f"#/compare/{first}/{second}"
    page.keyboard.press("?")
    page.wait_for_selector("dialog kbd")
    page.uncheck("dialog >> text=Use these keys")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.keyboard.press("?")
    assert page.locator("dialog").count() == 0


def test_slash_goes_to_the_picture_chooser(page):
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "chooser"


def test_selected_entries_are_searched_for_as_one_track(page):
    page.check(".card[data-id='3'] input")
    page.check(".card[data-id='4'] input")
    page.click("text=Search as one track")
    page.wait_for_selector(".query .own >> nth=1")
    ids = [card.get_attribute("data-id") for card in page.locator(".card").all()]
    assert len(ids) == 4
    assert not {"3", "4"} & set(ids)


def test_comparing_draws_activation_and_as_many_regions_as_are_asked_for(page, yard):
    show(page, "#/compare/1/2")
    page.wait_for_selector(".region")
    assert page.locator(".shade").count() == 2 * 4 * 4  # A last map of 4 x 4 for each picture.
    page.get_by_label("Matching regions").fill("3")
    assert page.locator(".region").count() == 3
    page.uncheck("text=Activation")
    assert not page.is_visible(".shade >> nth=0")
    page.keyboard.press("y")
    page.wait_for_selector(".pair [aria-pressed=true]")
    assert verdicts(yard) == {(1, 2): True}


def test_the_time_line_shows_where_the_best_match_was_seen(page):
    give(page, shot(1, view=7))
    page.wait_for_selector(".timeline .dot")
    assert page.locator(".timeline .dot").count() == 2
    assert "2 sightings by 2 cameras" in page.get_attribute(".timeline", "aria-label")
    page.click(".timeline .dot >> nth=0")
    page.wait_for_selector(".query .own")
    assert page.evaluate("location.hash") in ("#/entry/3", "#/entry/4")


def test_labels_are_downloaded_with_their_pictures(visit, serve, yard):
    yard.add(shot(0, view=5))
    yard.store.judge(1, 7, True)
    yard.store.judge(3, 5, True)  # Of two identities.
    page = visit(serve(yard))
    show(page, "#/gallery")
    with page.expect_download() as waiting:
        page.click("text=Download the labels")
    assert waiting.value.suggested_filename == "labels.zip"
    with ZipFile(waiting.value.path()) as archive:
        rows = archive.read("labels.csv").decode().splitlines()
        assert "labels-pictures/7.webp" in archive.namelist()
    assert rows[0].startswith("path,identity,camera")
    assert rows[7].startswith("labels-pictures/7.webp,v0,")
    page.wait_for_selector("#errors :text('contradict each other')")
    assert "of 1 group of entries" in page.inner_text("#errors")


def test_without_thumbnails_the_labels_are_a_table(visit, serve, tmp_path):
    gallery = Gallery.create(tmp_path / "bare", Mapped())
    (tmp_path / "a.png").write_bytes(png(shot(0)))
    gallery.add(tmp_path / "a.png", identity="v0")
    page = visit(serve(gallery) + "#/gallery")
    with page.expect_download() as waiting:
        page.click("text=Download the labels")
    assert waiting.value.suggested_filename == "labels.csv"
    assert len(waiting.value.path().read_text().splitlines()) == 2


def test_a_token_is_asked_for_and_kept_for_this_tab(visit, serve, yard):
    address = serve(yard, Tokens("a-token-that-writes", "a-token-that-reads"))
    page = visit(address)
    for token in ("no-such-token-here", "a-token-that-reads"):
        page.get_by_label("Token", exact=True).fill(token)
        page.click("dialog button.main")
    page.wait_for_selector(".card img[src]")  # Thumbnails need it too.
    page.reload()
    page.wait_for_selector(".card img[src]")
    show(page, "#/entry/1")
    page.click(".card >> nth=0 >> text=Right")
    page.wait_for_selector("#errors .error")
    assert "may only read" in page.inner_text("#errors")
    assert verdicts(yard) == {}
