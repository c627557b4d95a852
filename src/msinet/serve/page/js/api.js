/** The calls of the service. What goes wrong is an `ApiError`, whose message can be shown. */

import { recall, remember } from "./memory.js";
import { t } from "./strings.js";

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

let askForToken = () => Promise.resolve(null);
let asking = null;

/** Set what asks for the token; it returns a promise of it, null where nobody gives one. */
export function onUnauthorised(ask) {
  askForToken = ask;
}

/** Call the service. `json` or `form` is sent; the answer is read `as` json or blob, or is the response itself.
 * A 401 asks for the token once. */
export async function call(method, path, { json, form, signal, as = "json" } = {}) {
  for (;;) {
    const token = recall("token");
    const response = await answered(method, path, json, form, signal, token);
    if (response.ok) return as === "response" ? response : response[as]();
    if (response.status !== 401) throw new ApiError(await wordsOf(response), response.status);
    if (recall("token") !== token) continue; // Another call was given a token in between.
    asking ??= askForToken(Boolean(token)).finally(() => (asking = null));
    const given = await asking;
    if (!given) throw new ApiError(await wordsOf(response), 401);
    remember("token", given);
  }
}

async function answered(method, path, json, form, signal, token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (json) headers["Content-Type"] = "application/json";
  const body = json ? JSON.stringify(json) : form;
  try {
    return await fetch(new URL(path, document.baseURI), { method, headers, body, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(t("unreachable"), 0);
  }
}

async function wordsOf(response) {
  try {
    const { error } = await response.json();
    if (typeof error === "string" && error) return error;
  } catch {
    // A proxy may answer in HTML.
  }
  return t("status", { status: response.status });
}

/** Find the matches of entries or of pictures. */
export function query({ ids, pictures }, { filters, count, byIdentity }, signal) {
  if (ids) {
    const json = { entries: ids, top_k: count, by_identity: byIdentity, filters };
    return call("POST", "v1/query", { json, signal });
  }
  const form = new FormData();
  for (const picture of pictures) form.append("images", picture, picture.name ?? "picture.png");
  form.append("top_k", count);
  form.append("by_identity", byIdentity);
  form.append("filters", JSON.stringify(filters));
  return call("POST", "v1/query", { form, signal });
}

/** Add pictures with their labels. */
export function add(pictures, labels = {}) {
  const form = new FormData();
  for (const picture of pictures) form.append("image", picture, picture.name ?? "picture.png");
  for (const [name, value] of Object.entries(labels)) if (value) form.append(name, value);
  return call("POST", "v1/entries", { form });
}

/** Say whether two entries show the same object; null takes it back. */
export const judge = (one, other, same) => call("POST", "v1/verdicts", { json: { one, other, same } });

export const entryOf = (id, signal) => call("GET", `v1/entries/${id}`, { signal });

export const compare = (one, other, signal) => call("POST", "v1/compare", { json: { one, other }, signal });

export const removeEntry = (id) => call("DELETE", `v1/entries/${id}`);

export const removeIdentity = (identity) => call("DELETE", `v1/identities/${encodeURIComponent(identity)}`);

/** List entries, the newest first. */
export function newest({ identity = "", camera = "", after = 0, limit = 50 }, signal) {
  const chosen = Object.entries({ identity, camera, after }).filter(([, value]) => value);
  return call("GET", `v1/entries?${new URLSearchParams([["newest", "true"], ["limit", limit], ...chosen])}`, { signal });
}

/** Return the verdicts on an entry: whether another one shows the same object, by its number. */
export async function verdictsOf(id, signal) {
  const { verdicts } = await call("GET", `v1/verdicts?entry=${id}`, { signal });
  return new Map(verdicts.map(({ one, other, same }) => [one === id ? other : one, same]));
}

export const sightingsOf = (identity, signal) => call("GET", `v1/timeline?${new URLSearchParams({ identity })}`, { signal });

let facts = null;

/** Return what is known of the gallery; asked for once until something changes. */
export function galleryFacts() {
  facts ??= call("GET", "v1/gallery").catch((error) => {
    facts = null;
    throw error;
  });
  return facts;
}

/** Ask for the gallery's facts anew next time: entries came or went. */
export function galleryChanged() {
  facts = null;
}
