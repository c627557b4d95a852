/** The gallery itself: how much is in it, its growth, its calibration and its model. */

import { ApiError, call, galleryChanged, galleryFacts, removeIdentity } from "./api.js";
import { dayChart, lineChart } from "./charts.js";
import { confirmed } from "./dialogs.js";
import { button, h, labelled, say } from "./elements.js";
import { showError } from "./errors.js";
import { countWords, dayWords, rateWords } from "./formats.js";
import { go, hashOf } from "./route.js";
import { t } from "./strings.js";

/** Return the view. */
export async function galleryView() {
  galleryChanged();
  const facts = await galleryFacts();
  const { calibration } = facts;
  const element = h("div", {},
    h("h1", { tabindex: "-1" }, t("gallery")),
    h("div", { class: "tiles" }, tilesOf(facts)),
    h("div", { class: "two" }, camerasOf(facts), growthOf(facts)),
    h("h2", {}, t("calibration")),
    calibration ? calibrationOf(calibration) : h("p", {}, t("noCalibration")),
    h("div", { class: "two" }, modelOf(facts), labelsOf(facts)),
  );
  return { element };
}

function tilesOf(facts) {
  const tile = (words, value) => h("div", { class: "tile" }, h("b", {}, value), words);
  return [
    tile(t("entriesTile"), countWords(facts.entries)),
    tile(t("identitiesTile"), countWords(facts.identities)),
    tile(t("camerasTile"), countWords(Object.keys(facts.cameras).length)),
    facts.earliest && tile(t("earliest"), dayWords(facts.earliest)),
    facts.latest && tile(t("latest"), dayWords(facts.latest)),
  ];
}

function camerasOf({ cameras }) {
  const most = Math.max(...Object.values(cameras), 1);
  const rows = Object.entries(cameras).map(([camera, count]) => {
    const bar = h("i", { class: "share" });
    bar.style.setProperty("--share", count / most);
    const href = hashOf({ view: "entries", filters: { cameras: [camera] } });
    return h("tr", {}, h("th", { scope: "row" }, h("a", { href }, camera)),
      h("td", { class: "number" }, countWords(count)), h("td", { class: "fill" }, bar));
  });
  const counts = h("th", { scope: "col", class: "number" }, t("entriesTile"));
  const head = [h("th", { scope: "col" }, t("camera")), counts, h("td")];
  const table = h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows));
  return h("section", {}, h("h2", {}, t("cameras")), rows.length ? table : h("p", {}, t("noCameras")));
}

function growthOf({ growth }) {
  const chart = () => dayChart({ days: growth, alt: t("growthAlt", { count: growth.length }), dayWords, countWords });
  return h("section", {}, h("h2", {}, t("growth")), growth.length ? chart() : h("p", {}, t("noTimes")));
}

function calibrationOf({ words, threshold, rate, curve, knots, growth }) {
  const mark = { x: threshold, words: threshold.toFixed(4) };
  const rates = [
    { words: t("found"), colour: "green", xs: curve.thresholds, ys: curve.detections },
    { words: t("falsePositives"), colour: "red", xs: curve.thresholds, ys: curve.false_positives },
  ];
  const figure = (chart, words) => h("figure", {}, lineChart({ ...chart, mark }), h("figcaption", {}, words));
  const chance = [{ words: t("chance"), colour: "accent", xs: knots.similarities, ys: knots.probabilities }];
  return [
    h("p", {}, t("thresholdWords", { threshold: threshold.toFixed(4), rate: rateWords(rate) })),
    h("p", { class: "soft small" }, words),
    h("div", { class: "two" },
      figure({ lines: rates, alt: t("ratesAlt"), xWords: t("threshold") }, t("markWords")),
      figure({ lines: chance, alt: t("chanceAlt"), xWords: t("similarity") }, t("chanceWords"))),
    h("h3", {}, t("sizes")), sizesTable(growth),
  ];
}

function sizesTable(growth) {
  const head = [t("entriesTile"), t("falsePositivesShort"), t("threshold")]
    .map((words) => h("th", { scope: "col", class: "number" }, words));
  const rows = growth.map((point) => h("tr", {},
    h("td", { class: "number" }, countWords(point.entries)),
    h("td", { class: "number" }, rateWords(point.false_positives)),
    h("td", { class: "number" }, point.threshold.toFixed(4)),
    h("td", { class: "soft" }, point.estimated ? t("estimated") : point.times === 1 ? t("thisGallery") : t("measured"))));
  return h("div", { class: "wide" }, h("table", {}, h("thead", {}, h("tr", {}, head, h("td"))), h("tbody", {}, rows)));
}

function modelOf({ model, thumbnails }) {
  const facts = [
    [t("modelName"), model.name || (model.weights ? "–" : t("vectorsAlone"))],
    [t("weights"), model.weights],
    [t("dim"), String(model.dim)],
    [t("thumbnails"), thumbnails ? t("kept") : t("notKept")],
  ];
  const rows = facts.map(([words, value]) =>
    h("tr", {}, h("th", { scope: "row" }, words), h("td", {}, h("code", {}, value))));
  return h("section", {}, h("h2", {}, t("model")), h("table", {}, h("tbody", {}, rows)));
}

function labelsOf({ thumbnails }) {
  const name = h("input", { required: true, autocomplete: "off" });
  const send = (event) => {
    event.preventDefault();
    askToRemoveIdentity(name.value.trim());
  };
  return h("section", {}, h("h2", {}, t("labels")),
    h("p", {}, t("labelsWords"), " ", thumbnails ? t("picturesGo") : t("filesAlone")),
    button(t("download"), () => download(thumbnails ? "labels.zip" : "labels.csv")),
    h("form", { class: "pair", onsubmit: send },
      labelled(t("removeIdentityLabel"), name), h("button", { class: "danger" }, t("removeIdentity"))));
}

/** Ask once, and remove all entries of an identity. */
export async function askToRemoveIdentity(identity) {
  if (!(await confirmed(t("removeIdentityTitle"), t("removeIdentityWords", { identity }), t("removeIdentity")))) return;
  const { removed } = await removeIdentity(identity);
  galleryChanged();
  go({ view: "entries" });
  say(t("removed", { count: removed }));
}

async function download(name) {
  const response = await call("GET", `v1/${name}`, { as: "response" });
  const address = URL.createObjectURL(await response.blob());
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  const count = Number(response.headers.get("Msinet-Contradictions"));
  if (count) showError(new ApiError(t("contradictions", { count }), response.status));
}
