/** The matches of a query: of pictures, or of entries. */

import { ApiError, entryOf, galleryFacts, query, sightingsOf, verdictsOf } from "./api.js";
import { addPictures, askToAdd } from "./add.js";
import { Cards, labelsOf } from "./cards.js";
import { button, fill, h, say } from "./elements.js";
import { percent } from "./formats.js";
import { filterBar } from "./filter_bar.js";
import { frame } from "./frame.js";
import { Marks } from "./marks.js";
import { cutOut, fileAddress, keepPictures, picturesOf, thumbnailOf } from "./pictures.js";
import { TOP_K, asRequest, go, hashOf } from "./route.js";
import { t } from "./strings.js";
import { timeline } from "./timeline.js";

/** Return the view: its element, and the cards that the keys move in. */
export async function searchView(route, signal) {
  const chosen = route.picture && picturesOf(route.picture);
  if (route.picture && !chosen) return { element: gone() };
  const asked = Promise.all((route.ids ?? []).map((id) => entryOf(id, signal)));
  const [facts, entries] = await Promise.all([galleryFacts(), asked]);
  const panel = h("section", { class: "query" }, h("h2", {}, t("query")),
    chosen ? pictureQuery(chosen, route.picture) : entryQuery(entries));
  const top = h("div", { class: "top" });
  const results = h("section", { class: "results", "aria-label": t("matches") });
  const seen = h("section", { class: "seen" });
  const bar = filterBar(route, facts, entries.length === 1 ? entries[0].camera : null);
  const view = { element: h("div", { class: "search" }, top, panel, results, seen) };
  const source = chosen ? { pictures: chosen.files } : { ids: route.ids };
  const { count = TOP_K, byIdentity = false } = route.filters;
  try {
    const [answer, verdicts] = await Promise.all([
      query(source, { filters: asRequest(route.filters), count, byIdentity }, signal),
      chosen ? new Map() : verdictsOf(route.ids[0], signal),
    ]);
    const marks = new Marks(route.ids ?? [], verdicts, chosen && (() => becomeEntries(chosen)));
    view.cards = new Cards(answer.matches, { marks, query: route.ids?.length === 1 ? route.ids[0] : null });
    fill(top, verdictOf(answer), bar);
    fill(results, answer.matches.length ? view.cards.element : h("p", {}, t("nothingFound")), notesOf(answer));
    const best = answer.matches[0]?.identity;
    if (best) sightingsOf(best, signal).then(({ sightings }) => fill(seen, timeline(best, sightings)), () => {});
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    fill(top, h("h1", { tabindex: "-1" }, t("noAnswer")), h("p", { class: "error", role: "alert" }, error.message), bar);
  }
  return view;
}

function verdictOf(answer) {
  const best = answer.matches[0];
  const who = best && (best.identity ?? t("entry", { id: best.id }));
  let words = t("matches");
  if (best && answer.known === true) words = t("isKnown", { who });
  if (best && answer.known === false) words = t("isUnknown");
  const sure = best && best.probability !== null && t("sure", { percent: percent(best.probability) });
  say([words, t("matchCount", { count: answer.matches.length }), sure].filter(Boolean).join(". "));
  return h("div", { class: answer.known ? "verdict match" : "verdict" },
    h("h1", { tabindex: "-1" }, words), sure && h("p", { class: "soft" }, sure));
}

function notesOf(answer) {
  const { calibration } = answer;
  const words = calibration === null ? [t("notCalibrated")] : [t("percentMeaning"), t("calibrationNamed", { calibration })];
  return h("p", { class: "soft small" }, words.join(" "));
}

function gone() {
  const back = h("a", { href: hashOf({ view: "entries" }) }, t("toNewest"));
  return h("div", {}, h("h1", { tabindex: "-1" }, t("pictureGone")), h("p", {}, t("pictureGoneWords"), " ", back));
}

function entryQuery(entries) {
  return h("div", { class: entries.length > 1 ? "several" : "" },
    entries.map((entry) => h("div", { class: "own" }, h("div", { class: "shot" }, thumbnailOf(entry)),
      h("div", { class: "small soft name" }, t("entryTitle", { id: entry.id })), labelsOf(entry))));
}

function pictureQuery({ files, from }, number) {
  const whole = from?.file ?? files[0];
  const search = async (box) => {
    const cut = await cutOut(whole, box);
    go({ view: "search", picture: keepPictures([cut], { file: whole, box, number: from?.number ?? number }) });
  };
  const toGallery = button(t("addToGallery"), async () => {
    const ids = await askToAdd(files);
    if (ids) go({ view: "search", ids }, true);
  });
  if (files.length > 1) {
    const pictures = files.map((file) => h("div", { class: "shot" }, h("img", { alt: file.name, src: fileAddress(file) })));
    const words = h("p", { class: "soft small" }, t("asTrack", { count: files.length }));
    return [h("div", { class: "several" }, pictures), words, toGallery];
  }
  const cut = from && h("div", { class: "row" },
    h("div", { class: "shot cut" }, h("img", { alt: t("inBox"), src: fileAddress(files[0]) })),
    h("a", { href: hashOf({ view: "search", picture: from.number }) }, t("wholePicture")));
  return [frame(whole, from?.box, search, toGallery), cut];
}

/** Add the pictures of a query, so that it can be marked; resolve to their numbers, null where the user says no. */
async function becomeEntries({ files }) {
  return addPictures(files, {}, { title: t("keepPicture"), words: t("keepPictureWords") });
}
