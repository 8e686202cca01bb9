// Nothing is open: how to begin, and what is done of it already.

import { bdi, fill, h, icon, stale } from "./dom.js";
import { called, count, plain, short } from "./format.js";
import { newPhone } from "./newphone.js";
import { openSide } from "./side.js";
import { open, store } from "./store.js";
import { chip, simulated, voiceWords } from "./words.js";

/** Draw it, where anything has changed. */
export function drawStart(place) {
  const mine = store.people.filter((p) => store.state.accounts.find((a) => a.id === p.account)?.profile === "clone");
  const answered = mine.filter((p) => p.enabled);
  const from = [voiceWords(), mine.length, answered.map((p) => [p.conversationId, called(p), chip(p)])];
  if (!stale(place, from) && place.querySelector(".start")) return;
  place.setAttribute("aria-label", "How to begin");
  const phones = store.state.accounts.some((a) => simulated(a.id));
  fill(place, h("div", { class: "start" },
    h("h1", {}, phones ? "See what it would say before anyone hears it." : "Whoever writes to your number appears on the left."),
    h("p", {}, phones ? "These phones exist only here. Write as a friend, watch your clone answer, step in, stop it."
      : "Open anybody to see what became of each message, and why."),
    h("ol", {}, voice(), phones && friend(mine, answered), say(phones ? 3 : 2, mine, answered))));
}

function voice() {
  const { ownVoice } = store.state;
  const learned = () => {
    const { voiceOwner, voiceInvented, keptReplies } = store.state;
    const kept = keptReplies ? `${count(keptReplies, "reply", "replies")} kept.` : "the style only.";
    return voiceOwner ? ["It speaks as ", bdi(plain(voiceOwner)), voiceInvented ? ", who is invented: " : ": ", kept] : `It knows your style: ${kept}`;
  };
  return step(1, ownVoice, "Lend it your voice",
    ownVoice ? learned() : "Import a WhatsApp chat of yours, or use the sample.",
    [ownVoice ? "Import another" : "Import a chat", () => openSide("import"), !ownVoice]);
}

function friend(mine, answered) {
  const words = mine.length ? `${count(mine.length, "phone")} so far. Each has a name and a number, and writes to you.`
    : "A phone with a name and a number; it writes to you.";
  return step(2, mine.length > 0, "Be a friend", words, ["New phone", () => newPhone(), store.state.ownVoice && !answered.length && !mine.length]);
}

/** Who is answered; the next thing to do is to write as one of them. */
function say(number, mine, answered) {
  if (!answered.length) {
    return step(number, false, "Say who is answered", "Nobody is, until you enable them in their thread.",
      mine.length && ["Open the latest", () => open(mine[0].conversationId), store.state.ownVoice]);
  }
  const first = answered.find((p) => chip(p)[0] === "go") ?? answered[0];
  return step(number, true, "Say who is answered", [names(answered), answered.length > 1 ? " are answered. Nobody else is." : " is answered. Nobody else is."],
    [[simulated(first.account) ? "Write as " : "Open ", bdi(short(first))], () => open(first.conversationId), store.state.ownVoice]);
}

/** "Mara", "Mara and Tom", "Mara, Tom and 3 more". */
function names(people) {
  const shown = people.slice(0, 2).map((p) => bdi(short(p)));
  const more = people.length - shown.length;
  if (more) return [shown[0], ", ", shown[1], ` and ${more} more`];
  return shown.length > 1 ? [shown[0], " and ", shown[1]] : shown;
}

function step(number, done, title, words, button) {
  const [label, action, primary] = button || [];
  return h("li", { class: done ? "done" : "" }, h("i", {}, done ? icon("check", "small") : number),
    h("div", {}, h("b", {}, title), h("p", {}, words)),
    label ? h("button", { class: `button small ${primary ? "primary" : ""}`, type: "button", onclick: action }, h("span", {}, label)) : null);
}
