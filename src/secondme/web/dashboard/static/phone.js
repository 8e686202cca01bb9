// The middle of the page: a conversation as a phone shows it, or how to begin.

import { announce, bdi, fill, h, icon, problem, reconcile, stale } from "./dom.js";
import { post } from "./api.js";
import { called, clock, initials, isolated, plain, short } from "./format.js";
import { composer, drawComposer, edit, remove, replyTo, side } from "./composer.js";
import { lines } from "./lines.js";
import { openMenu } from "./menu.js";
import { drawStart } from "./start.js";
import { act, changed, isAway, open, person as current, store } from "./store.js";
import { author, chip, freeText, isPaused, RELATIONSHIPS, simulated, situation, stopped } from "./words.js";
import { openSide } from "./side.js";

const NEAR_END = 90; // px from the end within which the thread follows what is new
const place = document.getElementById("phone");
const head = h("header", { class: "head" });
const list = h("ol", { class: "lines", "aria-label": "Messages" });
const below = h("button", { class: "below", type: "button", hidden: true, onclick: () => toEnd(true) }, icon("down", "small"), "New messages");
const scroller = h("div", { class: "thread", onscroll: scrolled, onkeydown: arrows }, list, below);
const hint = h("div");
const foot = h("div", { class: "foot" }, hint, composer);

let drawn = null; // the conversation whose lines are drawn
let trouble = null; // what went wrong with the last act, and in which conversation
let ready = false; // its snapshot has been drawn once

/** Draw whatever is chosen. */
export function drawPhone() {
  if (!store.state) return; // who speaks, and in which zone the clock runs, is not known yet
  const person = current();
  if (!person) {
    drawn = null;
    drawStart(place);
    return;
  }
  if (!place.contains(scroller)) fill(place, head, scroller, foot);
  place.setAttribute("aria-label", `Conversation with ${isolated(person)}`);
  drawHead(person);
  drawLines(person);
  drawHint(person);
  composer.hidden = !simulated(person.account); // a real phone is written on by whoever holds it
  drawComposer(person);
  look(person);
}

function drawHead(person) {
  const [kind, words] = chip(person);
  const acts = [person.enabled, isPaused(person)];
  if (!stale(head, [person.name, person.address, kind, words, person.relationship, store.current, acts])) return;
  fill(head,
    h("button", { class: "round back", type: "button", "aria-label": "Back to the phones", onclick: () => open(null) }, icon("back")),
    h("span", { class: `face ${kind === "go" ? "on" : ""}`, "aria-hidden": "true" }, initials(person)),
    h("div", { class: "who" }, bdi(called(person), { class: "title" }),
      h("small", {}, h("span", { class: `chip ${kind}` }, words), bdi(detail(person)))),
    quickAct(person),
    h("button", { class: "round details", type: "button", "aria-label": "Details", onclick: () => openSide("about") }, icon("why")));
}

const detail = (person) => (person.local ? plain(person.address, 40) :
  `${RELATIONSHIPS[person.relationship] ?? person.relationship} · ${plain(person.address, 40)}`);

function quickAct(person) {
  if (person.local || !person.enabled) return null;
  const path = `/api/conversations/${person.conversationId}`;
  if (isPaused(person)) {
    return h("button", { class: "button small act", type: "button", onclick: () => attempt(() => act(`${path}/resume`)) },
      icon("play", "small"), h("span", {}, "Resume"));
  }
  return h("button", { class: "button small act", type: "button", "aria-label": "Pause 1 h",
    onclick: () => attempt(() => act(`${path}/pause`, { minutes: 60 })) }, icon("pause", "small"), h("span", {}, "Pause 1 h"));
}

/** Do something; a failure is shown where the eye is, until the next thing that is done. */
async function attempt(work) {
  trouble = null;
  const where = store.current;
  try {
    await work();
  } catch (error) {
    trouble = { where, words: error.message };
  }
  changed();
}

function drawLines(person) {
  const following = atEnd() || drawn !== store.current;
  const here = store.conversation;
  const pending = store.pending.get(store.current) ?? [];
  if (drawn !== store.current) {
    list.replaceChildren();
    drawn = store.current;
    ready = false;
  }
  const empty = !here?.bubbles.length && !pending.length;
  const items = empty && (here || person.local || isAway())
    ? [{ key: "void", from: [situation(person), Boolean(here)], make: () => (here || person.local ? nothing(person) : unreadable()) }]
    : lines(person, here?.bubbles ?? [], pending, here?.typing ?? false, { select, menu, jump });
  const fresh = reconcile(list, items);
  rove();
  if (ready) arrived(fresh, following, person);
  if (following) toEnd(false);
  ready ||= Boolean(here) || Boolean(person.local);
}

function arrived(fresh, following, person) {
  const bubbles = fresh.filter((row) => row.matches(".row:not(.typing)"));
  for (const row of bubbles) row.classList.add("fresh");
  if (!following && bubbles.some((row) => !row.matches(".pending"))) below.hidden = false;
  const last = store.conversation?.bubbles.at(-1);
  if (last && bubbles.some((row) => row.firstChild.dataset.id === last.id)) announce(`${plain(author(last, person))}: ${plain(last.text, 300)}`);
}

function nothing(person) {
  return h("li", { class: "void" }, icon("phone"), h("b", {}, "This is ", bdi(short(person)), "’s phone"),
    h("span", {}, situation(person)), h("span", {}, "Write something below."));
}

function unreadable() {
  return h("li", { class: "void" }, icon("alert"), h("b", {}, "This thread could not be read"),
    h("span", {}, "It appears by itself once the dashboard answers again. Nothing of it is lost."));
}

function drawHint(person) {
  const wrong = trouble?.where === store.current ? trouble.words : null;
  const from = [store.current, person.enabled, situation(person), wrong, isAway(), store.conversation?.held, freeText(person)];
  if (!stale(hint, from)) return;
  fill(hint, wrong && problem(wrong), hintFor(person), windowFor(person));
}

/** Until when an answer may go to a real phone; once that is over, what still may. */
function windowFor(person) {
  const [open, words] = freeText(person) ?? [];
  if (!words) return null;
  if (open) return h("p", { class: "window" }, "Free text to ", bdi(short(person)), ": ", h("b", {}, words));
  return h("div", { class: "hint hold window" }, h("div", {}, h("b", {}, `The provider’s window: ${words}`),
    h("p", {}, "No free text may go until ", bdi(short(person)), " writes again. What still may is a template of yours: ",
      h("code", { class: "code" }, "secondme send"))));
}

function hintFor(person) {
  if (person.local || isAway()) return null;
  const path = `/api/conversations/${person.conversationId}`;
  if (!person.enabled) {
    return h("div", { class: "hint" },
      h("div", {}, h("b", {}, "Nobody is answered until you say so"),
        h("p", {}, "Until then, what ", bdi(short(person)), " writes is kept and ends unanswered, for good.")),
      h("button", { class: "button primary", type: "button", onclick: () => attempt(() => act(`${path}/enable`)) },
        h("span", {}, "Answer ", bdi(short(person)))));
  }
  if (stopped()) return null; // the banner says it
  if (isPaused(person)) {
    return h("div", { class: "hint hold" }, h("div", {}, h("p", {}, situation(person))),
      h("button", { class: "button small", type: "button", onclick: () => attempt(() => act(`${path}/resume`)) }, "Resume"));
  }
  const held = store.conversation?.held;
  if (!held) return null;
  return h("div", { class: "hint hold" }, h("div", {},
    h("p", {}, `What waits is held until ${clock(held.until)}: ${held.reason}. Then it is looked at again.`)));
}

// ---- choosing, quoting, moving

function select(bubble) {
  store.selected = bubble.id;
  openSide("why");
  changed();
}

function menu(bubble, button) {
  const here = simulated(current()?.account) && bubble.ref && bubble.text !== null;
  const own = here && bubble.by !== "bot" && bubble.kind === "text";
  openMenu(button, [
    here && ["reply", "Reply", () => replyTo(bubble)],
    own && ["edit", "Edit", () => edit(bubble)],
    own && ["trash", "Delete", () => remove(bubble), "danger"],
    ["why", bubble.incoming ? "What became of it" : "Why this", () => select(bubble)],
  ].filter(Boolean));
}

function jump(id) {
  const bubble = list.querySelector(`.b[data-id="${CSS.escape(id)}"]`);
  if (!bubble) return;
  bubble.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  bubble.classList.remove("flash");
  requestAnimationFrame(() => bubble.classList.add("flash"));
  bubble.focus({ preventScroll: true });
}

/** One stop for the Tab key in the thread: the bubble that had the focus last, else the newest. */
function rove(to = null) {
  const bubbles = [...list.querySelectorAll(".b[data-id]")];
  const stop = to ?? bubbles.find((b) => b === document.activeElement) ?? bubbles.at(-1);
  for (const bubble of bubbles) {
    const index = bubble === stop ? "0" : "-1";
    bubble.tabIndex = index;
    const more = bubble.parentElement.querySelector(".more");
    if (more) more.tabIndex = index;
  }
}

function arrows(event) {
  const bubble = event.target.closest?.(".b[data-id]");
  if (!bubble || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const bubbles = [...list.querySelectorAll(".b[data-id]")];
  const at = bubbles.indexOf(bubble);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: bubbles.length - 1 }[event.key];
  const next = bubbles[Math.max(0, Math.min(to, bubbles.length - 1))];
  rove(next);
  next.focus();
}

const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;

function toEnd(smooth) {
  scroller.scrollTo({ top: scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
  below.hidden = true;
}

function scrolled() {
  if (atEnd()) below.hidden = true;
}
new ResizeObserver(() => drawn && !below.matches(":not([hidden])") && toEnd(false)).observe(foot);

// ---- the phone was looked at

let looking = null;

/** Whoever holds the contact's phone and sees the thread has read it. */
function look(person) {
  const seen = () => document.visibilityState === "visible" && side() === "contact" && !person.local;
  const unread = simulated(person.account) && store.conversation?.bubbles.some((b) => b.by === "bot" && ["sent", "delivered"].includes(b.status));
  if (!unread || !seen() || looking) return;
  const id = store.current;
  looking = setTimeout(async () => {
    if (store.current === id && seen()) await post(`/api/conversations/${id}/read`).catch(() => {});
    looking = null;
  }, 700);
}
document.addEventListener("visibilitychange", changed);

