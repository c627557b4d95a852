/** Filters of a query: each one that is set is a chip, which takes it away. */

import { button, h, labelled, select } from "./elements.js";
import { timeWords } from "./formats.js";
import { TOP_K, go } from "./route.js";
import { t } from "./strings.js";

let isOpen = false;

/** Return the bar. `facts` of the gallery name its cameras and fields; `ownCamera` is that of the query, if it has one. */
export function filterBar(route, facts, ownCamera) {
  const { filters } = route;
  const set = (changes) => go({ ...route, filters: { ...filters, ...changes } });
  const notCameras = filters.notCameras ?? [];
  const others = ownCamera && !notCameras.includes(ownCamera) && !filters.cameras?.length;
  const fields = h("div", { class: "fields", id: "filter-fields", hidden: !isOpen }, fieldsOf(filters, facts, set));
  const opener = button(t("filters"), () => {
    isOpen = !isOpen;
    fields.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
  }, { class: "quick opener", "aria-expanded": String(isOpen), "aria-controls": "filter-fields", "data-key": "filters" });
  return h("section", { class: "filter-bar", "aria-label": t("filters") },
    h("div", { class: "row" },
      chipsOf(filters, set),
      others && button(t("otherCameras"), () => set({ notCameras: [...notCameras, ownCamera] }), { class: "quick" }),
      toggle(t("oneEach"), filters.byIdentity, (on) => set({ byIdentity: on }), "one"),
      opener,
    ),
    fields,
  );
}

function chipsOf(filters, set) {
  const without = (name, value) => ({ [name]: filters[name].filter((each) => each !== value) });
  const chips = [
    ...(filters.cameras ?? []).map((camera) => [t("cameraNamed", { camera }), without("cameras", camera)]),
    ...(filters.notCameras ?? []).map((camera) => [t("notCameraNamed", { camera }), without("notCameras", camera)]),
    ...(filters.fields ?? []).map((field) => [field.replace("=", " = "), without("fields", field)]),
    filters.since && [t("sinceTime", { time: timeWords(filters.since) }), { since: null }],
    filters.before && [t("beforeTime", { time: timeWords(filters.before) }), { before: null }],
  ];
  return chips.filter(Boolean).map(([words, changes]) =>
    h("span", { class: "chip" }, words,
      button("×", () => set(changes), { "aria-label": t("withoutFilter", { filter: words }) })));
}

function toggle(words, on, change, key) {
  return button(words, () => change(!on), { class: "quick", "aria-pressed": String(Boolean(on)), "data-key": key });
}

function fieldsOf(filters, facts, set) {
  const cameras = Object.keys(facts.cameras);
  const choose = (words, name) => {
    const before = filters[name] ?? [];
    const left = cameras.filter((camera) => !before.includes(camera));
    const field = select([["", t("choose")], ...left.map((camera) => [camera, camera])], "", { "data-key": name });
    return labelled(words, changing(field, (camera) => camera && set({ [name]: [...before, camera] })));
  };
  const time = (words, name) => {
    const field = h("input", { type: "datetime-local", value: filters[name] ?? "", "data-key": name });
    return labelled(words, changing(field, (value) => set({ [name]: value })));
  };
  const counts = [10, 20, 50, 100, 200].map((count) => [String(count), String(count)]);
  const count = select(counts, String(filters.count ?? TOP_K), { "data-key": "count" });
  return [
    cameras.length > 0 && [choose(t("camera"), "cameras"), choose(t("notCamera"), "notCameras")],
    time(t("since"), "since"),
    time(t("before"), "before"),
    labelled(t("count"), changing(count, (value) => set({ count: Number(value) }))),
    facts.fields.length > 0 && ownField(filters, facts, set),
  ];
}

function ownField(filters, facts, set) {
  const name = select(facts.fields.map((field) => [field, field]), facts.fields[0]);
  const value = h("input", { required: true, size: 10, "data-key": "field" });
  const onsubmit = (event) => {
    event.preventDefault();
    const rest = (filters.fields ?? []).filter((field) => !field.startsWith(`${name.value}=`));
    set({ fields: [...rest, `${name.value}=${value.value}`] });
  };
  const parts = [labelled(t("field"), name), labelled(t("value"), value), h("button", {}, t("filter"))];
  return h("form", { class: "pair", onsubmit }, parts);
}

function changing(field, change) {
  field.addEventListener("change", () => change(field.value));
  return field;
}
