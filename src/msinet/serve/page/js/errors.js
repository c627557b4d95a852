/** Errors, shown in words at the top of the page. */

import { button, fill, h } from "./elements.js";
import { t } from "./strings.js";

/** Show an error until the next step, or until it is closed. */
export function showError(error) {
  if (error.name === "AbortError") return;
  if (!("status" in error)) console.error(error);
  const close = button("×", clearErrors, { class: "icon", "aria-label": t("close") });
  fill(document.getElementById("errors"), h("div", { class: "error" }, h("p", {}, error.message), close));
}

export function clearErrors() {
  fill(document.getElementById("errors"));
}
