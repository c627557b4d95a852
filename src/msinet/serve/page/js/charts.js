/** Charts in the look of the reports: lines by a number, and bars by day. */

import { h, s } from "./elements.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [460, 250, 46, 450, 10, 206];

/** Return a chart of rates from 0 to 1. `lines` are { words, colour, xs, ys, dashed }, `mark` { x, words } a dotted line. */
export function lineChart({ lines, alt, xWords, mark = null }) {
  const xs = lines.flatMap((line) => line.xs);
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const across = (x) => LEFT + ((x - low) / (high - low || 1)) * (RIGHT - LEFT);
  const down = (y) => BOTTOM - y * (BOTTOM - TOP);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((y) => [
    s("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: down(y), y2: down(y) }),
    s("text", { x: LEFT - 6, y: down(y) + 4, "text-anchor": "end" }, `${100 * y} %`),
  ]);
  const bottom = niceTicks(low, high).map((x) =>
    s("text", { x: across(x), y: BOTTOM + 17, "text-anchor": "middle" }, String(Number(x.toFixed(3)))));
  const marked = mark && [
    s("line", { class: "mark", x1: across(mark.x), x2: across(mark.x), y1: TOP, y2: BOTTOM }),
    s("text", { class: "mark-words", x: across(mark.x) - 5, y: TOP + 10, "text-anchor": "end" }, mark.words),
  ];
  const drawn = lines.map((line) => {
    const points = line.xs.map((x, at) => `${across(x).toFixed(1)},${down(line.ys[at]).toFixed(1)}`);
    return s("polyline", { class: `line ${line.colour}`, points: points.join(" ") });
  });
  const x = s("text", { x: (LEFT + RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, xWords);
  const legend = lines.map((line) => h("span", {}, h("i", { class: line.colour }), line.words));
  return [h("p", { class: "legend small" }, legend), chart(HEIGHT, alt, ticks, bottom, x, marked, drawn)];
}

function chart(height, alt, ...drawn) {
  return s("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": alt }, drawn);
}

function niceTicks(low, high) {
  const rough = (high - low || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, at) => (first + at) * step);
}

/** Return a chart of counts by day: `days` are { day: "2026-05-01", entries }; days between them have none. */
export function dayChart({ days, alt, dayWords, countWords }) {
  const DAY = 86_400_000;
  const at = (day) => Date.parse(day) / DAY;
  const [first, last] = [at(days[0].day), at(days[days.length - 1].day)];
  const most = Math.max(...days.map(({ entries }) => entries));
  const step = (RIGHT - LEFT) / (last - first + 1);
  const width = Math.max(1, Math.min(28, step * 0.8));
  const bars = days.map(({ day, entries }) => {
    const height = (entries / most) * (BOTTOM - TOP - 8);
    const x = LEFT + (at(day) - first + 0.5) * step - width / 2;
    const title = s("title", {}, `${dayWords(day)}: ${countWords(entries)}`);
    return s("rect", { class: "bar", x, y: BOTTOM - height, width, height }, title);
  });
  const ends = [[days[0].day, LEFT, "start"], [days[days.length - 1].day, RIGHT, "end"]].slice(0, first === last ? 1 : 2)
    .map(([day, x, anchor]) => s("text", { x, y: BOTTOM + 17, "text-anchor": anchor }, dayWords(day)));
  const top = [
    s("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: TOP + 8, y2: TOP + 8 }),
    s("text", { x: LEFT - 6, y: TOP + 12, "text-anchor": "end" }, countWords(most)),
    s("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: BOTTOM, y2: BOTTOM }),
  ];
  return chart(BOTTOM + 26, alt, top, bars, ends);
}
