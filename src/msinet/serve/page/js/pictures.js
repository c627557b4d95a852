/** Pictures: thumbnails of entries, and the pictures that were chosen, dropped or pasted in this tab. */

import { call } from "./api.js";
import { h } from "./elements.js";
import { t } from "./strings.js";

const KEPT = 400;
const thumbnails = new Map();

/** Return a promise of the address of an entry's thumbnail. It is fetched, for an image element sends no token. */
export function thumbnailAddress(id) {
  const known = thumbnails.get(id);
  if (known) return known;
  const address = call("GET", `v1/entries/${id}/thumbnail`, { as: "blob" }).then((blob) => URL.createObjectURL(blob));
  address.catch(() => thumbnails.delete(id));
  thumbnails.set(id, address);
  if (thumbnails.size > KEPT) {
    const [oldest, old] = thumbnails.entries().next().value;
    thumbnails.delete(oldest);
    old.then((url) => setTimeout(() => URL.revokeObjectURL(url), 10_000), () => {});
  }
  return address;
}

/** Return the picture of an entry, or words where none is kept. */
export function thumbnailOf(entry) {
  const without = () => h("span", { class: "soft small" }, t("noThumbnail", { id: entry.id }));
  if (!entry.thumbnail) return without();
  const image = h("img", { alt: nameOf(entry) });
  thumbnailAddress(entry.id).then((address) => (image.src = address), () => image.replaceWith(without()));
  return image;
}

/** Return the words for an entry: its number, identity and camera. */
export function nameOf(entry) {
  const words = [t("entry", { id: entry.id }), entry.identity, entry.camera && t("cameraNamed", { camera: entry.camera })];
  return words.filter(Boolean).join(", ");
}

const chosen = new Map();

/** Keep pictures for this tab, and return their number. `from` says what they were cut out of: { file, box, number }. */
export function keepPictures(files, from = null) {
  const number = chosen.size + 1;
  chosen.set(number, { files, from });
  return number;
}

/** Return what was kept under a number: { files, from }; undefined after a reload. */
export function picturesOf(number) {
  return chosen.get(number);
}

const addresses = new WeakMap();

/** Return the address of a picture that was chosen. */
export function fileAddress(file) {
  if (!addresses.has(file)) addresses.set(file, URL.createObjectURL(file));
  return addresses.get(file);
}

/** Return a promise of the part of a picture in a box [left, top, right, bottom] in pixels, as a PNG. */
export async function cutOut(file, [left, top, right, bottom]) {
  const bitmap = await createImageBitmap(file);
  const canvas = h("canvas", { width: right - left, height: bottom - top });
  canvas.getContext("2d").drawImage(bitmap, left, top, right - left, bottom - top, 0, 0, right - left, bottom - top);
  bitmap.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  return new File([blob], "box.png", { type: "image/png" });
}

/** Return the pictures among files that were dropped or pasted. */
export function imagesAmong(files) {
  return [...files].filter((file) => file.type.startsWith("image/"));
}
