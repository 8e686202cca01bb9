// A thread's lines: days, bubbles, and a note under what was not answered.

import { bdi, h, icon, sentence, tick } from "./dom.js";
import { clock, day, full, plain } from "./format.js";
import { again, discard } from "./sending.js";
import { store } from "./store.js";
import { author, QUIET_KINDS } from "./words.js";

const PAUSE_IN_TALK = 5 * 60_000; // ms of silence after which the same author begins anew
const UNANSWERED = { silent: "Not answered", failed: "Could not be answered", uncertain: "The answer may not have arrived",
  drafted: "Drafted for you" };

/** The items of a thread for `reconcile`. `on` has select(bubble), menu(bubble, button) and jump(id). */
export function lines(person, bubbles, pending, typing, on) {
  const waiting = pending.map((message) => asBubble(message, person));
  const all = [...bubbles, ...waiting].filter((b) => b.kind !== "reaction" || b.text);
  const byId = new Map(all.map((b) => [b.id, b]));
  const items = all.flatMap((b, i) => around(b, all[i - 1], all[i + 1], person, byId, on));
  if (typing) items.push({ key: "typing", from: null, make: () => typingRow(person) });
  return items;
}

/** A message on its way, as the thread will show it. */
function asBubble(message, person) {
  const quoted = store.conversation?.bubbles.find((b) => b.ref && b.ref === message.replyTo);
  return { id: message.id, ref: null, incoming: !message.fromMe, by: message.fromMe ? "owner" : "contact",
    text: message.text, kind: "text", at: message.at, quotes: quoted?.id ?? null, status: message.status, rule: null,
    reason: null, edited: false, seen: false, pending: message, person };
}

function around(b, before, after, person, byId, on) {
  const newDay = !before || day(before.at) !== day(b.at);
  const turn = newDay || !together(before, b);
  const tail = Boolean(after) && together(b, after) && day(after.at) === day(b.at);
  const quoted = b.quotes ? byId.get(b.quotes) ?? null : undefined;
  const selected = store.selected === b.id;
  const items = [];
  if (newDay) items.push({ key: `day ${day(b.at)}`, from: null, make: () => h("li", { class: "day" }, day(b.at)) });
  const said = [b.text, b.status, b.edited, b.seen, b.kind, b.quotes, quoted?.text, turn, tail, selected, person.name];
  items.push({ key: keyOf(b), from: said, make: () => row(b, { person, turn, tail, quoted, selected, on }) });
  const note = noteFor(b, after, on);
  if (note) items.push(note);
  return items;
}

/** A message that was written on this page keeps its element when the ledger has it. */
const keyOf = (b) => (b.ref?.startsWith("phone-") ? b.ref : b.id);

const together = (one, other) => one.by === other.by && one.ordered === other.ordered && new Date(other.at) - new Date(one.at) < PAUSE_IN_TALK;

function row(b, { person, turn, tail, quoted, selected, on }) {
  const who = author(b, person);
  const ours = b.by !== "contact";
  const bubble = h("div", { class: "b", role: "group", tabindex: "-1", "data-id": b.id, "data-focus": "b",
    "data-selected": selected, "aria-label": `${plain(who)}, ${clock(b.at)}: ${plain(b.text ?? "erased", 300)}`,
    onclick: () => picked(b, on), onkeydown: (event) => keyed(event, b, bubble, on),
    oncontextmenu: (event) => (event.preventDefault(), on.menu(b, more)) },
    ours && turn ? h("span", { class: "by" }, who) : null,
    quoted === undefined ? null : quote(quoted, b, person, on),
    words(b), meta(b));
  const more = h("button", { class: "more", type: "button", tabindex: "-1", "aria-haspopup": "menu", "data-focus": "more",
    "aria-label": `More about this message from ${plain(who)}`, onclick: () => on.menu(b, more) }, icon("more"));
  const classes = ["row", b.by, ours && "ours", turn && "turn", tail && "tail", b.pending && "pending"];
  return h("li", { class: classes.filter(Boolean).join(" ") }, bubble, b.pending ? null : more);
}

/** A click chooses a bubble, unless it ended the selection of some words. */
function picked(b, on) {
  if (!b.pending && !String(getSelection())) on.select(b);
}

function keyed(event, b, bubble, on) {
  if (event.target !== bubble || b.pending) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    on.select(b);
  }
}

function words(b) {
  if (b.kind !== "text" && QUIET_KINDS[b.kind]) {
    return h("span", { class: "words" }, h("span", { class: "gone" }, QUIET_KINDS[b.kind]), b.text ? [" ", bdi(b.text)] : null);
  }
  if (b.text === null) return h("span", { class: "gone" }, b.rule === "message.deleted" ? "Deleted by its sender" : "Erased");
  return h("span", { class: "words", dir: "auto" }, b.text);
}

function quote(quoted, b, person, on) {
  const who = quoted ? author(quoted, person) : "An earlier message";
  return h("button", { class: "quote", type: "button", tabindex: "-1", "aria-label": `Quotes ${plain(who)}: show it`,
    onclick: (event) => (event.stopPropagation(), on.jump(b.quotes)) },
    h("b", {}, bdi(who)), h("span", { class: "said" }, quoted?.text ?? "No longer here"));
}

function meta(b) {
  return h("span", { class: "meta" }, b.edited ? "edited " : null,
    h("time", { datetime: b.at, title: full(b.at) }, clock(b.at)), ticks(b));
}

const TICKS = {
  in_flight: ["wait", "", "Being sent"],
  sending: ["wait", "", "Being sent"],
  taken: ["two", "", "Delivered"],
  sent: ["one", "", "Sent"],
  delivered: ["two", "", "Delivered"],
  read: ["two", "read", "Read"],
};

function ticks(b) {
  if (b.status === "uncertain" && b.by !== "contact") {
    return h("span", { class: "doubt", title: "Bytes left and no answer came. It is not sent twice." }, tick("doubt"),
      "may not have arrived");
  }
  if (b.status === "failed" && (b.pending || b.by !== "contact")) {
    return h("span", { class: "no" }, tick("no"), b.by === "bot" ? "refused" : "not sent");
  }
  const known = b.incoming && !b.pending ? (b.seen ? "read" : "delivered") : b.status;
  const [name, extra, title] = TICKS[known] ?? TICKS.sent;
  return h("span", { title, role: "img", "aria-label": title }, tick(name, extra));
}

/** Under the last of several messages that ended the same way: why nobody answered. */
function noteFor(b, after, on) {
  if (b.pending) return b.status === "failed" ? unsent(b.pending) : null;
  const ending = b.incoming ? UNANSWERED[b.status] : null;
  if (!ending || (after?.incoming && after.status === b.status && after.reason === b.reason && !after.pending)) return null;
  const kind = b.status === "uncertain" ? "doubt" : b.status === "failed" ? "no" : "";
  return { key: `note ${b.id}`, from: [ending, b.reason], make: () => h("li", { class: "row-note" },
    h("button", { class: `note ${kind}`, type: "button", "data-focus": "note", onclick: () => on.select(b) },
      icon("mute", "small"), b.reason ? `${ending} · ${b.reason}` : ending)) };
}

function unsent(message) {
  return { key: `unsent ${message.id}`, from: message.error, make: () => h("li", { class: "unsent" },
    h("span", {}, sentence(message.error)),
    h("button", { type: "button", onclick: () => again(message).catch(() => {}) }, "Try again"),
    h("button", { type: "button", onclick: () => discard(message) }, "Discard")) };
}

function typingRow(person) {
  return h("li", { class: "row bot ours turn typing" },
    h("div", { class: "b", role: "img", "aria-label": `${author({ by: "bot" }, person)} is typing` },
      h("span", { class: "dots" }, h("i"), h("i"), h("i"))));
}
