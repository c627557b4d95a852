/** Cards of entries: the list in which the keyboard moves, selects, marks and removes. */

import { galleryChanged, removeEntry } from "./api.js";
import { confirmed } from "./dialogs.js";
import { button, h, say } from "./elements.js";
import { percent, similarityWords, timeWords } from "./formats.js";
import { icon } from "./icons.js";
import { nameOf, thumbnailOf } from "./pictures.js";
import { go, hashOf } from "./route.js";
import { t } from "./strings.js";

/** A list of entries or matches.
 *
 * `marks` (see marks.js) is null where nothing was asked, `query` the one entry that was asked for, if it was one.
 */
export class Cards {
  constructor(entries, { marks = null, query = null, filters = {} } = {}) {
    Object.assign(this, { entries, marks, query, filters });
    this.selected = new Set();
    this.list = h("ol", { class: "cards", role: "list" });
    this.bar = h("div", { class: "selection", hidden: true, role: "group", "aria-label": t("selection") });
    this.element = h("div", {}, this.list, this.bar);
    this.add(entries, true);
  }

  /** Append entries. */
  add(entries, first = false) {
    if (!first) this.entries = [...this.entries, ...entries];
    this.list.append(...entries.map((entry) => this.card(entry)));
  }

  card(entry) {
    const href = hashOf({ view: "search", ids: [entry.id] });
    const link = h("a", { class: "shot", href, "data-key": `card-${entry.id}` }, thumbnailOf(entry));
    const tick = h("input", { type: "checkbox", "aria-label": t("selectNamed", { name: nameOf(entry) }) });
    tick.addEventListener("change", () => this.select(entry.id, tick.checked));
    const remove = button(icon("bin"), () => this.remove(entry), {
      class: "icon", "aria-label": t("removeNamed", { name: nameOf(entry) }),
    });
    const card = h("li", { class: "card", "data-id": entry.id },
      link,
      h("div", { class: "corner" }, h("label", { class: "tick" }, tick), remove),
      labelsOf(entry),
      "similarity" in entry && scoreOf(entry),
      this.marks?.buttons(entry),
    );
    this.marks?.show(card, entry.id);
    return card;
  }

  /** Return the entry whose card has the focus, and its place; -1 where none has. */
  get place() {
    const id = Number(document.activeElement?.closest?.(".card")?.dataset.id);
    return this.entries.findIndex((entry) => entry.id === id);
  }

  /** Move the focus by some cards. */
  move(by) {
    const to = this.place < 0 ? 0 : Math.min(Math.max(this.place + by, 0), this.entries.length - 1);
    const link = this.list.children[to]?.querySelector("a.shot");
    link?.focus();
    link?.scrollIntoView({ block: "nearest" });
  }

  /** Do what a key means for the card with the focus; return whether it means something. */
  press(key) {
    if (key === "j" || key === "k") this.move(key === "j" ? 1 : -1);
    else if (key === "c") this.compare();
    else if (key === "u") this.marks?.undo();
    else {
      const entry = this.entries[this.place];
      if (!entry) return false;
      if (key === "x") this.select(entry.id, !this.selected.has(entry.id));
      else if ((key === "y" || key === "n") && this.marks) {
        this.marks.mark(entry.id, key === "y");
        this.move(1);
      } else return false;
    }
    return true;
  }

  select(id, on) {
    if (on) this.selected.add(id);
    else this.selected.delete(id);
    const card = this.list.querySelector(`[data-id="${id}"]`);
    card.classList.toggle("selected", on);
    card.querySelector("input").checked = on;
    const count = this.selected.size;
    say(t("selected", { count }));
    this.bar.hidden = !count;
    this.bar.replaceChildren(
      h("b", {}, t("selected", { count })),
      button(count > 1 ? t("searchAsTrack") : t("searchWithIt"), () => this.search(), { class: "main" }),
      button(t("compare"), () => this.compare(), { disabled: !this.pair() }),
      button(t("clear"), () => [...this.selected].forEach((each) => this.select(each, false))),
    );
  }

  search() {
    go({ view: "search", ids: [...this.selected] });
  }

  /** Return the two entries to compare: the selected ones, or the query and the one that is selected or has the focus. */
  pair() {
    const ids = [...this.selected];
    if (ids.length === 2) return ids;
    const focused = this.entries[this.place]?.id;
    const other = ids.length === 1 ? ids[0] : ids.length === 0 ? focused : null;
    return this.query && other ? [this.query, other] : null;
  }

  compare() {
    const ids = this.pair();
    if (ids) go({ view: "compare", ids });
    else say(t("selectTwo"));
  }

  async remove(entry) {
    if (!(await confirmed(t("removeEntry"), t("removeEntryWords", { name: nameOf(entry) }), t("remove")))) return;
    await removeEntry(entry.id);
    galleryChanged();
    this.select(entry.id, false);
    const next = Math.min(this.entries.indexOf(entry), this.entries.length - 2);
    this.entries = this.entries.filter((each) => each !== entry);
    this.list.querySelector(`[data-id="${entry.id}"]`).remove();
    this.list.children[next]?.querySelector("a.shot").focus();
    say(t("removed", { count: 1 }));
  }
}

/** Return an entry's identity, camera, time and other labels. */
export function labelsOf(entry) {
  const identity = entry.identity
    ? h("a", { href: hashOf({ view: "entries", filters: { identity: entry.identity } }) }, entry.identity)
    : h("span", { class: "soft" }, t("noIdentity"));
  const seen = [entry.camera && t("cameraNamed", { camera: entry.camera }), entry.time && timeWords(entry.time)];
  const fields = Object.entries(entry.fields ?? {}).map((pair) => pair.join(" "));
  const others = [entry.track && t("trackNamed", { track: entry.track }), ...fields];
  return h("div", { class: "labels" },
    h("div", {}, h("b", {}, identity), entry.linked && h("span", { class: "soft small" }, ` ${t("linked")}`)),
    h("div", { class: "soft small" }, seen.filter(Boolean).join(" · ")),
    h("div", { class: "soft small" }, others.filter(Boolean).join(" · ")),
  );
}

function scoreOf({ similarity, known, probability }) {
  const unseen = h("span", { class: "unseen" }, `${t("similarity")} `);
  const number = h("span", { class: "number", title: t("similarity") }, unseen, similarityWords(similarity));
  const score = h("div", { class: "score" }, number);
  if (known === null) return score;
  const words = known ? t("known") : t("notKnown");
  const sure = probability === null ? words : `${words}, ${percent(probability)}`;
  score.append(h("span", { class: known ? "match" : "soft" }, sure));
  return score;
}
