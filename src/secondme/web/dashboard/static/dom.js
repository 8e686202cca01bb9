// Building the page. Text from outside becomes text nodes and nothing else: there is no way to HTML in here.

const SVG = "http://www.w3.org/2000/svg";

/** An element: h("p", { class: "lead", onclick: fn }, "text", child). Absent children (null, false) are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Put children in place of whatever is in there. */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** One of the page's icons. */
export function icon(name, extra = "") {
  return symbol(`i-${name}`, `icon ${extra}`.trim());
}

/** One of the ticks. */
export function tick(name, extra = "") {
  return symbol(`t-${name}`, `tick ${extra}`.trim());
}

function symbol(id, classes) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", classes);
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${id}`);
  svg.append(use);
  return svg;
}

/** A name or a text from outside, isolated so that it cannot turn the line around it. */
export function bdi(text, props = {}) {
  return h("bdi", { dir: "auto", ...props }, text);
}

/** A sentence of ours in which `commands` stand between backticks. */
export const sentence = (text) => text.split("`").map((part, i) => (i % 2 ? h("code", { class: "code" }, part) : part));

/** What went wrong, where the eye is. */
export const problem = (text) => h("p", { class: "problem", role: "alert" }, icon("alert"), h("span", {}, sentence(text)));

const drawn = new WeakMap(); // element → what it was drawn from

/** Whether an element must be drawn again: what it is drawn from differs from what it was. */
export function stale(element, from) {
  const sig = JSON.stringify(from) ?? "";
  if (drawn.get(element) === sig) return false;
  drawn.set(element, sig);
  return true;
}

/**
 * Make parent's children the given items, each { key, from, make }: an element is made anew only where its `from`
 * changed, so nothing flickers and focus stays where it was. Returns the elements that are new.
 */
export function reconcile(parent, items) {
  const before = new Map([...parent.children].map((element) => [element.dataset.key, element]));
  const fresh = [];
  let place = parent.firstElementChild;
  for (const item of items) {
    const old = before.get(item.key);
    let element = old;
    if (!old || stale(old, item.from)) {
      element = item.make();
      element.dataset.key = item.key;
      stale(element, item.from);
      if (old) replace(old, element, () => (place = place === old ? element : place));
      else fresh.push(element);
    }
    before.delete(item.key);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const gone of before.values()) gone.remove();
  return fresh;
}

function replace(old, element, moved) {
  const focused = old.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  moved();
  old.replaceWith(element);
  if (focused) element.querySelector(`[data-focus="${focused}"]`)?.focus({ preventScroll: true });
}

/** Tell screen readers. */
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  requestAnimationFrame(() => (live.textContent = text.replaceAll("`", "")));
}
