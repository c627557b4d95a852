/** Dialogs: questions, the token and the keys. Escape closes them, and the focus goes back to where it was. */

import { button, h, labelled } from "./elements.js";
import { recall, remember } from "./memory.js";
import { t } from "./strings.js";

/** Show a dialog with a form and resolve to what `read` returns when it is sent, null when it is closed. */
export function ask(title, content, { send, danger = false, read = () => true }) {
  const cancel = button(send ? t("cancel") : t("close"), () => dialog.close());
  const submit = send && h("button", { class: danger ? "danger" : "main" }, send);
  const heading = h("h2", { id: "dialog-title" }, title);
  const form = h("form", {}, heading, content, h("div", { class: "row end" }, cancel, submit));
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = read(form);
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
  });
}

/** Ask once; resolve to whether the answer is yes. */
export async function confirmed(title, words, send, danger = true) {
  return Boolean(await ask(title, h("p", {}, words), { send, danger }));
}

/** Ask for the token; resolve to it, or to null. */
export function askForToken(wasWrong) {
  const field = h("input", { type: "password", autocomplete: "off", required: true, autofocus: true });
  const content = [h("p", {}, wasWrong ? t("tokenWrong") : t("tokenWords")), labelled(t("token"), field)];
  return ask(t("tokenTitle"), content, { send: t("useToken"), read: () => field.value.trim() });
}

const KEYS = [
  ["j k", "keyMove"], ["Enter", "keySearch"], ["x", "keySelect"], ["c", "keyCompare"], ["y n", "keyMark"],
  ["u", "keyUndo"], ["/", "keyChoose"], ["?", "keyKeys"],
];

/** Show the keys, and whether they are used: who speaks to the computer or shares a keyboard may not want them. */
export function showKeys() {
  const used = h("input", { type: "checkbox", checked: keysAreUsed() });
  used.addEventListener("change", () => remember("keys", used.checked ? "on" : "off", true));
  const lines = KEYS.map(([keys, words]) =>
    [h("dt", {}, keys.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, t(words))]);
  ask(t("keys"), [h("dl", { class: "keys" }, lines), h("label", { class: "check" }, used, t("keysUsed"))], {});
}

/** Return whether keys without Ctrl or Alt do something. */
export function keysAreUsed() {
  return recall("keys") !== "off";
}
