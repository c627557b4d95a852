/** What the browser remembers: the token until the tab is closed, choices for longer. Nothing breaks where it may not. */

const inThisTab = new Map();

/** Return a remembered value, null where there is none. */
export function recall(name) {
  try {
    return sessionStorage.getItem(name) ?? localStorage.getItem(name);
  } catch {
    return inThisTab.get(name) ?? null;
  }
}

/** Remember a value; `forLong` beyond this tab. */
export function remember(name, value, forLong = false) {
  try {
    (forLong ? localStorage : sessionStorage).setItem(name, value);
  } catch {
    inThisTab.set(name, value);
  }
}
