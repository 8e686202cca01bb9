// The menu of a bubble.

import { fill, h, icon } from "./dom.js";

const menu = document.getElementById("menu");
let anchor = null;

/** Open the menu at a button; entries are [icon, label, action, class]. */
export function openMenu(button, entries) {
  if (menu.matches(":popover-open") && anchor === button) {
    menu.hidePopover();
    return;
  }
  anchor = button;
  fill(menu, entries.map(([name, label, action, extra = ""]) =>
    h("button", { type: "button", role: "menuitem", class: extra, onclick: () => (menu.hidePopover(), action()) }, icon(name), label)));
  menu.showPopover();
  button.setAttribute("aria-expanded", "true");
  const at = button.getBoundingClientRect();
  const own = menu.getBoundingClientRect();
  const top = at.bottom + own.height + 8 > innerHeight ? at.top - own.height - 4 : at.bottom + 4;
  const start = Math.min(Math.max(8, at.left - own.width / 2), innerWidth - own.width - 8);
  menu.style.top = `${Math.max(8, top)}px`;
  menu.style.left = `${start}px`;
  menu.querySelector("button").focus();
}

menu.addEventListener("toggle", (event) => {
  if (event.newState !== "closed" || !anchor) return;
  anchor.removeAttribute("aria-expanded");
  if (menu.contains(document.activeElement) || document.activeElement === document.body) anchor.focus({ preventScroll: true });
  anchor = null;
});

menu.addEventListener("keydown", (event) => {
  const items = [...menu.querySelectorAll("button")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  items[(to + items.length) % items.length].focus();
});
