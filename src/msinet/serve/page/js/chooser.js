/** The place where a picture is chosen; pictures may be dropped and pasted anywhere. */

import { h } from "./elements.js";
import { showError } from "./errors.js";
import { imagesAmong, keepPictures } from "./pictures.js";
import { go } from "./route.js";
import { t } from "./strings.js";

/** Return the large place to drop, paste or choose a picture. */
export function chooser(facts) {
  const field = h("input", { type: "file", id: "chooser", class: "unseen", accept: "image/*", multiple: true });
  field.addEventListener("change", () => searchWith(field.files));
  return h("div", { class: "chooser" },
    field,
    h("label", { for: "chooser", class: "main as-button" }, t("choosePicture")),
    h("p", {}, t("chooseWords")),
    !facts.model.weights && h("p", { class: "soft small" }, t("noModel")),
  );
}

/** Search with pictures: several are one track. */
export function searchWith(files) {
  const pictures = imagesAmong(files);
  if (pictures.length) go({ view: "search", picture: keepPictures(pictures) });
  else showError({ message: t("noPicture"), status: 400 });
}

/** Take pictures that are dropped or pasted. */
export function listenForPictures() {
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => document.body.classList.toggle("dropping", on);
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    mark(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
  addEventListener("drop", (event) => {
    mark(false);
    if (!carries(event)) return;
    event.preventDefault();
    if (!document.querySelector("dialog[open]")) searchWith(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length && !document.querySelector("dialog[open]")) searchWith(event.clipboardData.files);
  });
}

/** Let the user choose a picture, wherever the page is. */
export function choosePicture() {
  const field = document.getElementById("chooser");
  if (field) field.focus();
  else document.getElementById("header-chooser")?.focus();
}
