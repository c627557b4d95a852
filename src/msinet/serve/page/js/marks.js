/** Marks: the user's verdicts on whether a match is right, and how they are undone. */

import { judge } from "./api.js";
import { button, h, say } from "./elements.js";
import { icon } from "./icons.js";
import { go } from "./route.js";
import { t } from "./strings.js";

/** Marks of this tab, the last one last: { ids, id, before }. */
const done = [];

/** Verdicts between the entries of a query and its matches. */
export class Marks {
  /** `ids` of the query's entries, `verdicts` by the match's number. `become` is for a query of pictures: it adds them to
   * the gallery and resolves to their numbers, or to null where the user does not want this. */
  constructor(ids, verdicts, become = null) {
    Object.assign(this, { ids, verdicts, become });
  }

  /** Return the two buttons of a card. */
  buttons(entry, right = t("right"), wrong = t("wrong")) {
    const one = (same, words, drawn) =>
      button([icon(drawn), words], () => this.mark(entry.id, same), {
        class: same ? "right" : "wrong", "aria-pressed": "false", "data-key": `mark-${entry.id}-${same}`,
      });
    return h("div", { class: "marks" }, one(true, right, "check"), one(false, wrong, "cross"));
  }

  /** Mark a match as right or wrong; the same mark again takes it back. */
  async mark(id, same) {
    if (this.become) return this.addAndMark(id, same);
    const before = this.verdicts.get(id) ?? null;
    await this.set(this.ids, id, before === same ? null : same);
    done.push({ ids: this.ids, id, before });
  }

  async addAndMark(id, same) {
    const ids = await this.become();
    if (!ids) return;
    const others = ids.filter((own) => own !== id); // The picture may be the match itself.
    if (others.length) {
      await this.set(others, id, same);
      done.push({ ids: others, id, before: null });
    }
    go({ view: "search", ids }, true);
  }

  /** Take back the last mark. */
  async undo() {
    const last = done.pop();
    if (last) await this.set(last.ids, last.id, last.before);
    else say(t("nothingToUndo"));
  }

  async set(ids, id, same) {
    for (const own of ids) await judge(own, id, same);
    say(same === null ? t("markUndone") : same ? t("markedRight") : t("markedWrong"));
    if (String(ids) !== String(this.ids)) return;
    if (same === null) this.verdicts.delete(id);
    else this.verdicts.set(id, same);
    const card = document.querySelector(`.card[data-id="${id}"]`);
    if (card) this.show(card, id);
  }

  /** Show the verdict on a card. */
  show(card, id) {
    const same = this.verdicts.get(id);
    card.classList.toggle("is-right", same === true);
    card.classList.toggle("is-wrong", same === false);
    card.querySelector("button.right")?.setAttribute("aria-pressed", String(same === true));
    card.querySelector("button.wrong")?.setAttribute("aria-pressed", String(same === false));
  }
}
