// Nothing is open: how to begin, and what is done of it already.

import { fill, h, icon, stale } from "./dom.js";
import { count } from "./format.js";
import { newPhone } from "./newphone.js";
import { openSide } from "./side.js";
import { open, store } from "./store.js";

/** Draw it, where anything has changed. */
export function drawStart(place) {
  const { ownVoice, keptReplies } = store.state;
  const mine = store.people.filter((p) => store.state.accounts.find((a) => a.id === p.account)?.profile === "clone");
  const changed = stale(place, [ownVoice, keptReplies, mine.length, mine.some((p) => p.enabled)]);
  if (!changed && place.querySelector(".start")) return;
  place.setAttribute("aria-label", "How to begin");
  fill(place, h("div", { class: "start" },
    h("h1", {}, "See what it would say before anyone hears it."),
    h("p", {}, "These phones exist only here. Write as a friend, watch your clone answer, step in, stop it."),
    h("ol", {},
      step(1, ownVoice, "Lend it your voice", ownVoice ? learned(keptReplies) : "Import a WhatsApp chat of yours, or use the sample.",
        ownVoice ? "Import another" : "Import a chat", () => openSide("import"), !ownVoice),
      step(2, mine.length > 0, "Be a friend", "A phone with a name and a number; it writes to you.", "New phone",
        () => newPhone(), ownVoice && !mine.length),
      step(3, mine.some((p) => p.enabled), "Say who is answered", "Nobody is, until you enable them in their thread.",
        mine.length ? "Open the latest" : null, () => open(mine[0].conversationId), ownVoice && mine.length > 0))));
}

const learned = (kept) => (kept ? `It knows your style, and ${count(kept, "reply", "replies")} of yours.` : "It knows your style.");

function step(number, done, title, words, button, action, primary) {
  return h("li", { class: done ? "done" : "" }, h("i", {}, done ? icon("check", "small") : number),
    h("div", {}, h("b", {}, title), h("p", {}, words)),
    button ? h("button", { class: `button small ${primary ? "primary" : ""}`, type: "button", onclick: action }, button) : null);
}
