/** Two entries side by side: what the network looks at in each, and which regions it finds alike. */

import { compare, entryOf, verdictsOf } from "./api.js";
import { labelsOf } from "./cards.js";
import { h, s } from "./elements.js";
import { Marks } from "./marks.js";
import { nameOf, thumbnailAddress } from "./pictures.js";
import { t } from "./strings.js";

const SIDE = 300;
const GAP = 60;
const TOP_MATCHES = 12;
const DARKEST = 0.75;

/** Return the view. */
export async function compareView({ ids }, signal) {
  const [one, other, found, verdicts] = await Promise.all([
    ...ids.map((id) => entryOf(id, signal)), compare(...ids, signal), verdictsOf(ids[0], signal),
  ]);
  const pictures = await Promise.all([one, other].map(sizedPicture));
  const marks = new Marks([ids[0]], verdicts);
  const pair = h("div", { class: "card pair", "data-id": ids[1] }, marks.buttons(other, t("sameObject"), t("otherObject")));
  marks.show(pair, ids[1]);
  const element = h("div", { class: "compare" },
    h("h1", { tabindex: "-1" }, t("compareTitle")),
    pair,
    pictures.every(Boolean) ? drawnPair(one, other, pictures, found) : h("p", {}, t("noPictures")),
    !found.available && h("p", { class: "soft", role: "note" }, t("noRegions", { reason: found.reason })),
    h("div", { class: "two" }, [one, other].map((entry) =>
      h("div", {}, h("h2", {}, t("entryTitle", { id: entry.id })), labelsOf(entry)))),
  );
  const press = (key) => {
    if (key === "y" || key === "n") marks.mark(ids[1], key === "y");
    else if (key === "u") marks.undo();
    else return false;
    return true;
  };
  return { element, press };
}

async function sizedPicture(entry) {
  if (!entry.thumbnail) return null;
  const image = new Image();
  image.src = await thumbnailAddress(entry.id);
  await image.decode();
  const scale = SIDE / Math.max(image.naturalWidth, image.naturalHeight);
  return { address: image.src, width: image.naturalWidth * scale, height: image.naturalHeight * scale };
}

function drawnPair(one, other, pictures, found) {
  const height = Math.max(...pictures.map((picture) => picture.height));
  const places = pictures.map((picture, at) => (
    { ...picture, x: at === 0 ? SIDE - picture.width : SIDE + GAP, y: (height - picture.height) / 2 }
  ));
  const images = places.map(({ address, ...area }) => s("image", { href: address, ...area, preserveAspectRatio: "none" }));
  const alt = t("compareAlt", { one: nameOf(one), other: nameOf(other) });
  const viewBox = `0 0 ${2 * SIDE + GAP} ${height}`;
  const drawing = s("svg", { class: "pictures", viewBox, role: "img", "aria-label": alt }, images);
  return found.available ? [drawing, overlays(drawing, places, found)] : drawing;
}

/** Draw activation and regions over the pictures, and return the controls that change them. */
function overlays(drawing, places, found) {
  const heat = s("g", {}, [found.one, found.other].map(({ activation }, at) => cells(activation, places[at])));
  const lines = s("g", {});
  const size = [found.one, found.other].map(({ activation }) => [activation.length, activation[0].length]);
  const strongest = [...found.matches].sort((a, b) => b.weight - a.weight);
  const draw = (count) =>
    lines.replaceChildren(...strongest.slice(0, count).map((match, at) => link(match, at, places, size)));
  draw(TOP_MATCHES);
  drawing.append(heat, lines);
  const most = Math.min(strongest.length, 60);
  const count = h("input", { type: "range", min: 0, max: most, value: Math.min(TOP_MATCHES, most) });
  count.addEventListener("input", () => draw(Number(count.value)));
  const seen = h("input", { type: "checkbox", checked: true });
  seen.addEventListener("change", () => heat.classList.toggle("hidden", !seen.checked));
  const controls = [[seen, t("activation")], [t("regions"), count]].map((parts) => h("label", { class: "check" }, parts));
  return [h("div", { class: "row" }, controls), h("p", { class: "soft small" }, t("compareWords"))];
}

/** The activation of each cell: what is dark gave nothing, what is clear gave much. */
function cells(activation, { x, y, width, height }) {
  const [down, across] = [height / activation.length, width / activation[0].length];
  return activation.flatMap((row, i) => row.map((value, j) => {
    const area = { x: x + j * across, y: y + i * down, width: across, height: down };
    return s("rect", { class: "shade", ...area, "fill-opacity": (DARKEST * (1 - value)).toFixed(2) });
  }));
}

function link({ from, to, weight }, at, places, sizes) {
  const ends = [from, to].map(([row, column], which) => {
    const { x, y, width, height } = places[which];
    const [rows, columns] = sizes[which];
    const [across, down] = [width / columns, height / rows];
    return { x: x + column * across, y: y + row * down, width: across, height: down };
  });
  const middles = ends.map((end) => [end.x + end.width / 2, end.y + end.height / 2]);
  const [[x1, y1], [x2, y2]] = middles;
  const line = s("line", { x1, y1, x2, y2, "stroke-opacity": (0.35 + 0.65 * weight).toFixed(2) });
  return s("g", { class: `region hue-${at % 6}` }, ends.map((end) => s("rect", end)), line);
}
