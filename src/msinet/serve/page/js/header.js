/** The head of the page: where one can go, and the language. */

import { askToAdd } from "./add.js";
import { searchWith } from "./chooser.js";
import { showKeys } from "./dialogs.js";
import { button, h } from "./elements.js";
import { go, hashOf } from "./route.js";
import { language, setLanguage, t } from "./strings.js";

/** Return the head's elements; `render` shows the page anew, in another language. */
export function header(route, render) {
  const to = (view, words) => h("a", { href: hashOf({ view }), "aria-current": route.view === view ? "page" : null }, words);
  const field = h("input", { type: "file", id: "header-chooser", class: "unseen", accept: "image/*", multiple: true });
  field.addEventListener("change", () => searchWith(field.files));
  const label = h("label", { for: "header-chooser", class: "main as-button" }, t("choosePicture"));
  const chooser = route.view !== "entries" && [field, label];
  const other = language() === "en" ? "zh" : "en";
  const change = () => {
    setLanguage(other);
    render();
  };
  return [
    button(t("toContent"), () => document.getElementById("main").focus(), { class: "skip" }),
    h("nav", { "aria-label": t("pages") },
      h("a", { class: "brand", href: hashOf({ view: "entries" }) }, "msinet"),
      to("entries", t("search")), to("gallery", t("gallery"))),
    h("div", { class: "row end" },
      chooser,
      button(t("addPictures"), add, { "data-key": "add" }),
      button(t("otherLanguage"), change, { lang: other === "zh" ? "zh-CN" : "en", "data-key": "language" }),
      button("?", showKeys, { "aria-label": t("keys"), "data-key": "keys" })),
  ];
}

async function add() {
  const ids = await askToAdd();
  if (ids) go(ids.length === 1 ? { view: "search", ids } : { view: "entries" });
}
