/** Where and when an identity was seen: a row for each camera, the time from left to right. */

import { h, s } from "./elements.js";
import { dayWords, timeWords } from "./formats.js";
import { go, hashOf } from "./route.js";
import { t } from "./strings.js";

const WIDTH = 240;
const ROW = 26;
const LEFT = 64;
const LISTED = 100;

/** Return the heading, the drawing and the list of sightings. */
export function timeline(identity, sightings) {
  const timed = sightings.filter(({ time }) => time).map((each) => ({ ...each, at: Date.parse(each.time) }));
  const timeless = sightings.length - timed.length;
  return [
    h("h2", {}, t("seenTitle", { identity })),
    timed.length > 0 && drawing(timed),
    timeless > 0 && h("p", { class: "small" }, t("timeless"), " ", byCamera(sightings.filter(({ time }) => !time))),
    listOf(sightings),
  ];
}

function drawing(timed) {
  const cameras = [...new Set(timed.map(({ camera }) => camera ?? ""))].sort();
  const times = timed.map(({ at }) => at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const across = (at) => LEFT + 10 + (first === last ? 0.5 : (at - first) / (last - first)) * (WIDTH - LEFT - 20);
  const down = (camera) => 14 + cameras.indexOf(camera ?? "") * ROW;
  const height = cameras.length * ROW + 24;
  const span = { first: timeWords(first), last: timeWords(last) };
  const title = t("timelineAlt", { count: timed.length, cameras: cameras.length, ...span });
  const rows = cameras.map((camera) => [
    s("text", { x: LEFT - 4, y: down(camera) + 4, "text-anchor": "end" }, shortened(camera || "–")),
    s("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: down(camera), y2: down(camera) }),
  ]);
  const dots = timed.map(({ id, camera, at }) => {
    const onclick = () => go({ view: "search", ids: [id] });
    const words = s("title", {}, `${t("entry", { id })}, ${timeWords(at)}`);
    return s("circle", { class: "dot", cx: across(at).toFixed(1), cy: down(camera), r: 5, onclick }, words);
  });
  const ends = [[first, LEFT, "start"], [last, WIDTH, "end"]].slice(0, first === last ? 1 : 2)
    .map(([at, x, anchor]) => s("text", { x, y: height - 4, "text-anchor": anchor }, dayWords(new Date(at).toISOString())));
  const viewBox = `0 0 ${WIDTH} ${height}`;
  return s("svg", { class: "chart timeline", viewBox, role: "img", "aria-label": title }, rows, dots, ends);
}

function byCamera(sightings) {
  const counts = new Map();
  for (const { camera } of sightings) counts.set(camera ?? "–", (counts.get(camera ?? "–") ?? 0) + 1);
  return [...counts].map(([camera, count]) => t("cameraCount", { camera, count })).join(", ");
}

function listOf(sightings) {
  const lines = sightings.slice(0, LISTED).map(({ id, camera, time }) =>
    h("li", {}, h("a", { href: hashOf({ view: "search", ids: [id] }) }, t("entry", { id })),
      ` ${[camera && t("cameraNamed", { camera }), time && timeWords(time)].filter(Boolean).join(", ")}`));
  const words = h("summary", {}, t("sightings", { count: sightings.length }));
  return h("details", { class: "small" }, words, h("ul", { class: "lines" }, lines));
}

function shortened(words) {
  return words.length > 9 ? `${words.slice(0, 8)}…` : words;
}
