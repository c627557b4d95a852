/** The page: shows what the hash of the address says, and listens to keys. */

import { onUnauthorised } from "./api.js";
import { choosePicture, listenForPictures } from "./chooser.js";
import { compareView } from "./compare_view.js";
import { askForToken, keysAreUsed, showKeys } from "./dialogs.js";
import { fill, h, keepFocus } from "./elements.js";
import { entriesView } from "./entries_view.js";
import { clearErrors, showError } from "./errors.js";
import { galleryView } from "./gallery_view.js";
import { header } from "./header.js";
import { readRoute } from "./route.js";
import { searchView } from "./search_view.js";
import { t } from "./strings.js";

const VIEWS = { entries: entriesView, search: searchView, compare: compareView, gallery: galleryView };

const main = document.getElementById("main");
let view = {};
let controller = new AbortController();

/** Show the route of the address. What was there stays until the answer has come. */
async function render({ first = false } = {}) {
  controller.abort();
  controller = new AbortController();
  const { signal } = controller;
  const route = readRoute(location.hash);
  clearErrors();
  keepFocus(() => fill(document.getElementById("header"), ...header(route, render).flat()));
  main.setAttribute("aria-busy", "true");
  let next;
  try {
    next = await VIEWS[route.view](route, signal);
  } catch (error) {
    if (signal.aborted) return;
    next = { element: h("div", {}, h("h1", { tabindex: "-1" }, t("noAnswer"))) };
    showError(error);
  }
  if (signal.aborted) return;
  view = next;
  document.title = `${next.element.querySelector("h1")?.textContent ?? ""} · msinet`;
  main.removeAttribute("aria-busy");
  const stays = keepFocus(() => fill(main, next.element));
  if (!stays && !first && document.activeElement === document.body) {
    main.querySelector("h1")?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function onKey(event) {
  const { key, target } = event;
  const typing = target.matches?.("input:not([type=checkbox], [type=file]), textarea, select");
  if (typing || document.querySelector("dialog[open]") || !keysAreUsed()) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === "/") choosePicture();
  else if (key === "?") showKeys();
  else if (!(view.press?.(key) || view.cards?.press(key))) return;
  event.preventDefault();
}

onUnauthorised(askForToken);
listenForPictures();
addEventListener("hashchange", () => render());
addEventListener("keydown", onKey);
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  showError(event.reason);
});
render({ first: true });
