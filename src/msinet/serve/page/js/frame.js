/** A chosen picture on which a box can be drawn, by pointer or by numbers. */

import { button, h, labelled, s } from "./elements.js";
import { fileAddress } from "./pictures.js";
import { t } from "./strings.js";

const LEAST_SIDE = 8; // Pixels of the picture: less is a click.

/** Return the picture and its buttons, `actions` among them. `box` [left, top, right, bottom] is drawn; `onBox` is called
 * with a new one. */
export function frame(file, box, onBox, actions) {
  const image = h("img", { alt: t("yourPicture"), src: fileAddress(file), draggable: "false" });
  const shape = s("rect", { class: "box" });
  const overlay = s("svg", { class: "overlay", "aria-hidden": "true" }, shape);
  const place = h("div", { class: "frame" }, image, overlay);
  const numbers = h("div", {});
  image.addEventListener("load", () => {
    const size = [image.naturalWidth, image.naturalHeight];
    overlay.setAttribute("viewBox", `0 0 ${size.join(" ")}`);
    overlay.setAttribute("preserveAspectRatio", "none");
    if (box) show(shape, box);
    numbers.replaceChildren(byNumbers(box ?? [0, 0, ...size], size, onBox));
    byPointer(overlay, shape, size, place, onBox, () => (box ? show(shape, box) : hide(shape)));
  });
  image.addEventListener("error", () => place.replaceChildren(h("p", { class: "soft small" }, t("notShown"))));
  const touch = button(t("drawBox"), () => {
    const on = place.classList.toggle("drawing");
    touch.setAttribute("aria-pressed", String(on));
  }, { "aria-pressed": "false", class: "by-touch" });
  const words = h("p", { class: "soft small by-mouse" }, t("drawWords"));
  return [place, h("div", { class: "row" }, touch, actions), words, numbers];
}

function byPointer(overlay, shape, size, place, onBox, restore) {
  let start = null;
  const at = (event) => {
    const area = overlay.getBoundingClientRect();
    const along = (value, from, length, pixels) =>
      Math.min(Math.max(Math.round(((value - from) / length) * pixels), 0), pixels);
    return [along(event.clientX, area.left, area.width, size[0]), along(event.clientY, area.top, area.height, size[1])];
  };
  const boxTo = ([x, y]) => [Math.min(start[0], x), Math.min(start[1], y), Math.max(start[0], x), Math.max(start[1], y)];
  overlay.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.pointerType === "touch" && !place.classList.contains("drawing"))) return;
    overlay.setPointerCapture(event.pointerId);
    start = at(event);
  });
  overlay.addEventListener("pointermove", (event) => start && show(shape, boxTo(at(event))));
  overlay.addEventListener("pointerup", (event) => {
    if (!start) return;
    const drawn = boxTo(at(event));
    start = null;
    if (isBox(drawn)) onBox(drawn);
    else restore();
  });
  overlay.addEventListener("pointercancel", () => {
    start = null;
    restore();
  });
}

function byNumbers(box, [width, height], onBox) {
  const limits = [width, height, width, height];
  const fields = ["sideLeft", "sideTop", "sideRight", "sideBottom"].map((side, at) =>
    [t(side), h("input", { type: "number", min: 0, max: limits[at], value: box[at], required: true })],
  );
  const send = (event) => {
    event.preventDefault();
    const typed = fields.map(([, field]) => Math.round(Number(field.value)));
    const wrong = !isBox(typed);
    fields[2][1].setCustomValidity(wrong ? t("noBox", { side: LEAST_SIDE }) : "");
    if (wrong) fields[2][1].reportValidity();
    else onBox(typed);
  };
  const clear = () => fields[2][1].setCustomValidity("");
  const form = h("form", { class: "numbers", onsubmit: send, oninput: clear },
    fields.map((field) => labelled(...field)), h("button", {}, t("searchInBox")));
  return h("details", { class: "small" }, h("summary", {}, t("boxByNumbers")), form);
}

const isBox = ([left, top, right, bottom]) => right - left >= LEAST_SIDE && bottom - top >= LEAST_SIDE;

function show(shape, [left, top, right, bottom]) {
  const values = { x: left, y: top, width: right - left, height: bottom - top };
  for (const [name, value] of Object.entries(values)) shape.setAttribute(name, value);
}

function hide(shape) {
  show(shape, [0, 0, 0, 0]);
}
