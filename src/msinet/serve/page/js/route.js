/** Routes: the hash of the address holds what is shown, so that back, forward, links and reload work.
 *
 * #/                        newest entries; ?identity= and ?camera= choose among them
 * #/entry/7 , #/entry/7,9   matches of an entry, or of several pooled; with filters
 * #/picture/1               matches of a picture that was chosen in this tab; with filters
 * #/compare/7/9             two entries side by side
 * #/gallery                 the gallery itself
 */

export const TOP_K = 10;

const LISTS = { camera: "cameras", not_camera: "notCameras", field: "fields" };

/** Return the route of a hash; one that is not understood shows the newest entries. */
export function readRoute(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?", 2);
  const [, name = "", ...rest] = path.split("/");
  const filters = readFilters(new URLSearchParams(query));
  const ids = (rest[0] ?? "").split(",").map(Number).filter((id) => Number.isSafeInteger(id) && id > 0);
  if (name === "entry" && ids.length) return { view: "search", ids, filters };
  if (name === "picture" && ids.length) return { view: "search", picture: ids[0], filters };
  const second = Number(rest[1]);
  if (name === "compare" && ids.length && second > 0) return { view: "compare", ids: [ids[0], second], filters };
  if (name === "gallery") return { view: "gallery", filters };
  return { view: "entries", filters };
}

/** Return the hash of a route. */
export function hashOf({ view, ids = [], picture, filters = {} }) {
  const path = {
    search: picture ? `/picture/${picture}` : `/entry/${ids.join(",")}`,
    compare: `/compare/${ids.join("/")}`,
    gallery: "/gallery",
    entries: "/",
  }[view];
  const query = filterQuery(filters).toString();
  return `#${path}${query ? `?${query}` : ""}`;
}

function readFilters(query) {
  const filters = {};
  for (const [name, as] of Object.entries(LISTS)) if (query.has(name)) filters[as] = query.getAll(name);
  if (query.get("identity")) filters.identity = query.get("identity");
  for (const name of ["since", "before"]) if (Date.parse(query.get(name))) filters[name] = query.get(name);
  if (query.get("one")) filters.byIdentity = true;
  const count = Number(query.get("k"));
  if (count >= 1 && count <= 200) filters.count = count;
  return filters;
}

function filterQuery(filters) {
  const query = new URLSearchParams();
  for (const [name, as] of Object.entries(LISTS)) for (const value of filters[as] ?? []) query.append(name, value);
  for (const name of ["identity", "since", "before"]) if (filters[name]) query.set(name, filters[name]);
  if (filters.byIdentity) query.set("one", "1");
  if (filters.count && filters.count !== TOP_K) query.set("k", filters.count);
  return query;
}

/** Return filters as the service reads them. */
export function asRequest(filters) {
  const request = {};
  if (filters.cameras?.length) request.camera = filters.cameras;
  if (filters.notCameras?.length) request.not_camera = filters.notCameras;
  for (const name of ["since", "before"]) if (filters[name]) request[name] = new Date(filters[name]).toISOString();
  if (filters.fields?.length) {
    const pairs = filters.fields.map((field) => [field.split("=", 1)[0], field.slice(field.indexOf("=") + 1)]);
    request.fields = Object.fromEntries(pairs);
  }
  return request;
}

/** Show a route: a new step of the history, or, with `replace`, in place of this one. */
export function go(route, replace = false) {
  const hash = hashOf(route);
  if (hash === location.hash) dispatchEvent(new HashChangeEvent("hashchange"));
  else if (replace) {
    history.replaceState(null, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else location.hash = hash;
}
