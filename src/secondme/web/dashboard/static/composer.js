// Writing: as the contact on their phone, or as the owner on their own. What is typed stays until it is taken.

import { bdi, fill, h, icon, problem, stale } from "./dom.js";
import { plain, short } from "./format.js";
import { discard, send } from "./sending.js";
import { changed, store } from "./store.js";
import { author } from "./words.js";

const drafts = new Map(); // conversation or key → { text, side, reply, edit, problem }
const draft = (key) => {
  if (!drafts.has(key)) drafts.set(key, { text: "", side: "contact", reply: null, edit: null, problem: null });
  return drafts.get(key);
};

let shown = null; // the person that the composer writes for
let key = null;

const area = h("textarea", { rows: "1", maxlength: "20000", "aria-label": "Message", enterkeyhint: "send",
  oninput: typed, onkeydown: pressed });
const strip = h("div");
const wrong = h("div");
const seg = h("div", { class: "seg", role: "radiogroup", "aria-label": "Write as" });

/** The form; there is one for all conversations. */
export const composer = h("form", { class: "composer", onsubmit: submit },
  h("div", { class: "above" }, seg, h("small", {}, "Enter sends, Shift+Enter breaks the line")),
  wrong, strip,
  h("div", { class: "write" }, area, h("button", { class: "send", type: "submit", "aria-label": "Send" }, icon("send"))));

/** Whose side the composer writes on: contact or owner. */
export const side = () => (key ? draft(key).side : "contact");

/** Show the composer for a person. */
export function drawComposer(person) {
  const now = person.local ? person.key : person.conversationId;
  if (key && now !== key && shown?.local && !person.local && shown.address === person.address) move(key, now);
  shown = person;
  const mine = draft(now);
  if (key !== now) {
    key = now;
    area.value = mine.text;
  }
  composer.dataset.side = mine.side;
  area.placeholder = mine.side === "owner" ? "Write from your own phone" : `Write as \u2068${short(person)}\u2069`;
  drawSeg(person, mine);
  drawStrip(person, mine);
  fill(wrong, mine.problem ? problem(mine.problem) : null);
}

/** A new phone became a conversation: what is being typed goes with it. */
function move(from, to) {
  if (!drafts.has(to)) drafts.set(to, draft(from));
  drafts.delete(from);
  key = to;
}

function drawSeg(person, mine) {
  if (!stale(seg, [short(person), mine.side])) return;
  const focused = seg.contains(document.activeElement);
  const one = (value, ...label) => h("button", { type: "button", role: "radio", "aria-checked": String(mine.side === value),
    tabindex: mine.side === value ? "0" : "-1", onclick: () => choose(value), onkeydown: arrows }, ...label);
  fill(seg, one("contact", "As ", bdi(short(person))), one("owner", "As yourself"));
  if (focused) seg.querySelector("[aria-checked=true]").focus();
}

function arrows(event) {
  if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  event.preventDefault();
  choose(side() === "owner" ? "contact" : "owner");
}

function choose(value) {
  Object.assign(draft(key), { side: value, edit: null });
  changed();
}

function drawStrip(person, mine) {
  const about = mine.edit ?? mine.reply;
  fill(strip, about ? h("div", { class: "strip" },
    h("div", {}, h("b", {}, mine.edit ? "Editing" : ["Replying to ", bdi(author(about, person))]),
      h("span", { class: "said", dir: "auto" }, plain(about.text, 120))),
    h("button", { class: "round", type: "button", "aria-label": "Cancel", onclick: cancel }, icon("close", "small"))) : null);
}

/** Leave replying or editing; answers whether there was anything to leave. */
export function cancel() {
  if (!key) return false;
  const mine = draft(key);
  if (!mine.reply && !mine.edit) return false;
  if (mine.edit) setText("");
  Object.assign(mine, { reply: null, edit: null });
  changed();
  return true;
}

/** Quote this bubble in the next message. */
export function replyTo(bubble) {
  Object.assign(draft(key), { reply: bubble, edit: null });
  changed();
  area.focus();
}

/** Change this message of the contact's, or of the owner's. */
export function edit(bubble) {
  Object.assign(draft(key), { edit: bubble, reply: null, side: bubble.by === "owner" ? "owner" : "contact" });
  setText(bubble.text);
  changed();
  area.focus();
}

/** Delete a message on the phone that wrote it. */
export function remove(bubble) {
  deliver(draft(key), { deletes: bubble.ref, text: null, fromMe: bubble.by === "owner" }, "");
}

function setText(text) {
  area.value = text;
  draft(key).text = text;
}

function typed() {
  const mine = draft(key);
  mine.text = area.value;
  if (mine.problem) {
    mine.problem = null;
    changed();
  }
}

function pressed(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
}

function submit(event) {
  event.preventDefault();
  const mine = draft(key);
  const text = mine.text.trim();
  if (!text) return;
  const what = { text, fromMe: mine.side === "owner", replyTo: mine.edit ? null : mine.reply?.ref, edits: mine.edit?.ref };
  Object.assign(mine, { reply: null, edit: null, problem: null });
  setText("");
  deliver(mine, what, text);
  area.focus();
}

/** Send; where that fails, the text comes back, or stays as an unsent bubble where something new is being typed. */
async function deliver(mine, what, text) {
  const whom = { key, address: shown.address, name: shown.name, account: shown.account };
  try {
    await send(whom, what);
  } catch (error) {
    const failed = (store.pending.get(whom.key) ?? []).filter((m) => m.status === "failed").at(-1);
    mine.problem = failed?.error ?? error.message;
    if (text && !mine.text) {
      mine.text = text;
      if (draft(key) === mine) area.value = text;
      if (failed && failed.text === text) discard(failed);
    }
    changed();
  }
}
