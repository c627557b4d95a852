/** Elements of the page. No text is ever read as HTML, so what the service sends cannot become code. */

const SVG = "http://www.w3.org/2000/svg";

/** Return an HTML element. Attributes: `on...` listens; true is present; false and null are left out. */
export function h(tag, attributes = {}, ...children) {
  return furnished(document.createElement(tag), attributes, children);
}

/** Return an SVG element. */
export function s(tag, attributes = {}, ...children) {
  return furnished(document.createElementNS(SVG, tag), attributes, children);
}

/** Replace the children of an element, and return it. */
export function fill(parent, ...children) {
  parent.replaceChildren(...present(children));
  return parent;
}

function furnished(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...present(children));
  return element;
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

/** Return a button. */
export function button(words, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, words);
}

/** Return a field under its label. */
export function labelled(words, field, attributes = {}) {
  return h("label", attributes, h("span", {}, words), field);
}

/** Return a choice among [value, words]. */
export function select(options, value, attributes = {}) {
  const choices = options.map(([each, words]) => h("option", { value: each, selected: each === value }, words));
  return h("select", attributes, choices);
}

/** Do something that replaces elements, and give the focus to what has the same `data-key` as the element that had it. */
export function keepFocus(replace) {
  const key = document.activeElement?.dataset.key;
  replace();
  const again = key && document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (again) again.focus({ preventScroll: true });
  return Boolean(again);
}

/** Say something to screen readers. */
export function say(words) {
  document.getElementById("said").textContent = words;
}
