/** The newest entries: where one begins when nothing is asked yet. */

import { galleryFacts, newest } from "./api.js";
import { Cards } from "./cards.js";
import { button, fill, h } from "./elements.js";
import { askToRemoveIdentity } from "./gallery_view.js";
import { chooser } from "./chooser.js";
import { go } from "./route.js";
import { t } from "./strings.js";

/** Return the view. */
export async function entriesView({ filters }, signal) {
  const identity = filters.identity;
  const camera = filters.cameras?.[0];
  const [facts, page] = await Promise.all([galleryFacts(), newest({ identity, camera }, signal)]);
  const cards = new Cards(page.entries);
  const more = h("p", {});
  const showMore = (next) => fill(more, next && button(t("more"), async () => {
    const following = await newest({ identity, camera, after: next });
    const first = cards.list.children.length;
    cards.add(following.entries);
    showMore(following.next);
    cards.list.children[first]?.querySelector("a.shot").focus();
  }));
  showMore(page.next);
  const chosen = identity || camera;
  const title = identity ? t("identityNamed", { identity }) : camera ? t("cameraTitle", { camera }) : t("search");
  const element = h("div", {},
    h("h1", { tabindex: "-1" }, title),
    chosen ? actionsOf(identity) : chooser(facts),
    !chosen && h("h2", {}, t("newest")),
    page.entries.length ? cards.element : h("p", {}, chosen ? t("noEntries") : t("emptyGallery")),
    more,
  );
  return { element, cards };
}

function actionsOf(identity) {
  return h("div", { class: "row" },
    button(t("allEntries"), () => go({ view: "entries" }), { class: "quick" }),
    identity && button(t("removeIdentity"), () => askToRemoveIdentity(identity), { class: "quick" }));
}
