// The panel beside the thread: about the contact, why, or the import. A drawer where there is no room for it.

import { drawAbout } from "./about.js";
import { drawImport } from "./importer.js";
import { person, store, changed } from "./store.js";
import { drawWhy } from "./why.js";

const side = document.getElementById("side");
const PANELS = { about: drawAbout, why: drawWhy, import: drawImport };
let panel = "about";
let before = null; // what had the focus when the drawer opened

const isDrawer = () => matchMedia("(max-width: 1180px)").matches;

/** Show a panel. */
export function openSide(name) {
  panel = name;
  if (isDrawer() && document.body.dataset.side !== "open") {
    before = document.activeElement;
    document.body.dataset.side = "open";
    requestAnimationFrame(() => side.focus({ preventScroll: true }));
  }
  side.scrollTop = 0;
  changed();
}

/** Back to the contact, or out of the drawer; answers whether anything was open. */
export function closeSide() {
  const open = document.body.dataset.side === "open";
  if (!open && panel === "about") return false;
  delete document.body.dataset.side;
  panel = "about";
  store.selected = null;
  if (open) before?.focus?.({ preventScroll: true });
  before = null;
  changed();
  return true;
}

/** Draw the panel that is chosen. */
export function drawSide() {
  if (!store.state) return;
  if (panel === "why" && !store.selected) panel = "about";
  const shown = panel === "about" && !person() ? "about" : panel;
  PANELS[shown](side, closeSide);
}

document.getElementById("veil").addEventListener("click", closeSide);
