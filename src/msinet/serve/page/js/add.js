/** Adding pictures to the gallery, with identity, camera and time. */

import { add, galleryChanged, galleryFacts } from "./api.js";
import { ask, confirmed } from "./dialogs.js";
import { h, labelled, say } from "./elements.js";
import { isoTime } from "./formats.js";
import { t } from "./strings.js";

/** Ask for the labels of pictures, and for the pictures where none are given, and add them.
 *
 * Resolves to the numbers of the entries, null where the user closed the dialog.
 */
export async function askToAdd(files = null) {
  const facts = await galleryFacts();
  const cameras = h("datalist", { id: "known-cameras" },
    Object.keys(facts.cameras).map((camera) => h("option", { value: camera })));
  const chooser = h("input", { type: "file", name: "pictures", accept: "image/*", multiple: true, required: true });
  const labels = {
    identity: labelled(t("identity"), h("input", { name: "identity", autocomplete: "off" })),
    camera: labelled(t("camera"), h("input", { name: "camera", list: "known-cameras", autocomplete: "off" })),
    time: labelled(t("time"), h("input", { name: "time", type: "datetime-local", step: 1 })),
    track: labelled(t("track"), h("input", { name: "track", autocomplete: "off" })),
  };
  const notes = h("p", { class: "soft small" }, t("addWords"));
  const content = [!files && labelled(t("pictures"), chooser), Object.values(labels), cameras, notes];
  const given = await ask(t("addTitle"), content, { send: t("add"), read: (form) => new FormData(form) });
  if (!given) return null;
  const [identity, camera, track] = ["identity", "camera", "track"].map((name) => given.get(name).trim());
  return addPictures(files ?? given.getAll("pictures"), { identity, camera, track, time: isoTime(given.get("time")) });
}

/** Add pictures; with `question` { title, words } only if the user agrees. Resolves to the entries' numbers, or null. */
export async function addPictures(files, labels, question = null) {
  if (question && !(await confirmed(question.title, question.words, t("add"), false))) return null;
  const { ids, new: fresh, left_out: leftOut } = await add(files, labels);
  galleryChanged();
  if (!ids.length) throw Object.assign(new Error(leftOut[0]?.reason ?? t("nothingAdded")), { status: 400 });
  say(fresh ? t("added", { count: fresh }) : t("wasThere"));
  if (leftOut.length) {
    const lines = leftOut.map(({ position, reason }) => h("li", {}, `${files[position]?.name ?? position}: ${reason}`));
    await ask(t("leftOut"), h("ul", {}, lines), {});
  }
  return ids;
}
