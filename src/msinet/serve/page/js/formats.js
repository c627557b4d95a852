/** Numbers and times as people read them, in the language of the page and in the zone of the browser. */

import { locale } from "./strings.js";

/** Return a point in time. */
export function timeWords(time) {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

/** Return the day of a point in time, or a day 2026-05-01, which has no zone. */
export function dayWords(time) {
  const zone = time.length === 10 ? { timeZone: "UTC" } : {};
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", ...zone }).format(new Date(time));
}

/** Return a count with separators. */
export function countWords(count) {
  return new Intl.NumberFormat(locale()).format(count);
}

/** Return a share in percent; never 0 % or 100 % where it is neither. */
export function percent(share) {
  const rounded = Math.round(100 * share);
  if (rounded === 100 && share < 1) return ">99 %";
  if (rounded === 0 && share > 0) return "<1 %";
  return `${rounded} %`;
}

/** Return a rate in percent with two digits that count: 12 %, 1.2 %, 0.12 %. */
export function rateWords(rate) {
  return `${Number((100 * rate).toPrecision(2))} %`;
}

/** Return a similarity, which is rounded down: none looks like a 1 that is none. */
export function similarityWords(similarity) {
  return (Math.floor(1000 * similarity + 1e-6) / 1000).toFixed(3);
}

/** Return the value of a field of the form `datetime-local` as ISO 8601 in the browser's zone; empty where it is empty. */
export function isoTime(local) {
  return local ? new Date(local).toISOString() : "";
}
