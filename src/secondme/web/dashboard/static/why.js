// Why: the receipt of the chosen bubble.

import { get, Problem } from "./api.js";
import { bdi, fill, h, icon, problem, stale } from "./dom.js";
import { count, day, full, number, offset, percent } from "./format.js";
import { account, changed, person as current, store } from "./store.js";

let shown = { id: null, status: null, why: null, problem: null };

/** Draw it; the receipt is fetched when the bubble or its ending is another than the one drawn. */
export function drawWhy(place, close) {
  const bubble = store.conversation?.bubbles.find((b) => b.id === store.selected);
  if (!bubble) return;
  const status = `${bubble.status} ${store.conversation.bubbles.length} ${store.conversation.typing}`;
  if (shown.id !== bubble.id) shown = { id: bubble.id, status: null, why: null, problem: null };
  if (shown.status !== status && bubble.by !== "owner") fetchWhy(bubble.id, status);
  if (!stale(place, ["why", bubble.id, shown.why, shown.problem])) return;
  fill(place, h("div", { class: "panel" }, body(bubble, close)));
}

async function fetchWhy(id, status) {
  shown.status = status;
  try {
    const why = await get(`/api/why/${id}`);
    if (shown.id === id) Object.assign(shown, { why, problem: null });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (shown.id === id) shown.problem = error.message;
  }
  changed();
}

function top(title, lead, close) {
  return h("header", {}, h("div", {}, h("h2", {}, title), lead ? h("p", {}, lead) : null),
    h("button", { class: "round shut", type: "button", "aria-label": "Close", onclick: close }, icon("close")));
}

function body(bubble, close) {
  if (bubble.ordered) return order(bubble, close);
  if (bubble.by === "owner") return own(close);
  if (shown.problem) return [top("No receipt", null, close), problem(shown.problem)];
  if (!shown.why) return top("Why", "Looking…", close);
  const why = shown.why;
  return [
    top(title(bubble, why), why.summary, close),
    verdict(why),
    h("section", {}, h("h3", {}, "Journey"), journey(why.steps)),
    known(why),
    ownWords(why),
    facts(why),
  ];
}

function title(bubble, why) {
  if (bubble.by === "bot") return "Why this reply";
  return { replied: "What became of it", drafted: "Drafted for you", silent: "Why no answer", uncertain: "Sent, perhaps",
    failed: "Why no answer" }[why.outcome] ?? "On its way";
}

function own(close) {
  const minutes = account(current().account)?.ownerWordPauseMinutes;
  return [
    top("Your own words", "You wrote this yourself, from your phone.", close),
    h("p", { class: "verdict" }, h("code", {}, "owner.stepped_in"),
      "Whatever was being prepared is dropped and never sent."
      + (minutes ? ` Nobody answers here for ${minutes} minutes, or until you resume.` : "")),
  ];
}

function order(bubble, close) {
  return [
    top("Your order", "You had it sent yourself, by secondme send.", close),
    bubble.rule ? h("p", { class: "verdict" }, h("code", {}, bubble.rule), bubble.reason) : null,
  ];
}

function verdict(why) {
  if (!why.rule) return null;
  const kind = { replied: "go", uncertain: "doubt" }[why.outcome] ?? "";
  return h("p", { class: `verdict ${kind}` }, h("code", {}, why.rule), why.sentence);
}

function journey(steps) {
  return h("ol", { class: "journey" }, steps.map((step) => h("li", { class: step.mark }, h("span", {}, step.label),
    step.at ? h("time", { datetime: step.at, title: full(step.at) }, offset(step.afterMs)) : h("span"),
    step.note ? h("small", {}, step.note) : null)));
}

/** What was said again stands first; what else was looked at is folded away. */
function ownWords(why) {
  if (why.ownWordsErased) {
    return h("section", {}, h("h3", {}, "Your own words it leaned on"),
      h("p", { class: "lead" }, "What it leaned on was erased: its time was over, or replies were forgotten since."));
  }
  const used = why.ownWords.filter((word) => word.said);
  const rest = why.ownWords.filter((word) => !word.said);
  if (!why.ownWords.length) return null;
  return h("section", {}, h("h3", {}, "Your own words it leaned on"), used.length ? cards(used) : null,
    rest.length ? h("details", { open: !used.length },
      h("summary", {}, used.length ? `Also considered: ${count(rest.length, "reply", "replies")}` : count(rest.length, "reply", "replies")),
      cards(rest)) : null,
    h("p", { class: "lead near-note" }, "Closeness: how alike this message is to the one that you gave the reply to, from 0 to 1."));
}

const TELLERS = { owner: "you said it", contact: "they said it", other: "somebody else said it" };

const told = (fact) => `${TELLERS[fact.by]} · ${day(fact.saidAt)}${fact.until ? ` · until ${day(fact.until)}` : ""}`
  + ` · closeness ${fact.closeness.toFixed(2)}`;

/** What memory has of what the mind was shown: only what this contact may hear. */
function known(why) {
  if (!why.known.length) return null;
  const there = why.known.filter((fact) => fact.text !== null);
  const gone = why.known.length - there.length;
  const rest = why.memoryAnswers ? `${count(gone, "fact")} forgotten since.` : "Memory does not answer now; its facts are shown once it does.";
  return h("section", {}, h("h3", {}, "What it knew"),
    h("ul", { class: "cards" }, there.map((fact) => h("li", { class: "card known" },
      h("span", { dir: "auto" }, fact.text), h("small", {}, told(fact)), h("small", {}, fact.id)))),
    gone ? h("p", { class: "lead" }, rest) : null);
}

const cards = (own) => h("ul", { class: "cards" }, own.map((word) => h("li", { class: "card" },
  word.said ? h("b", {}, "Said this") : null, h("q", { dir: "auto" }, word.text),
  h("div", { class: "near" },
    h("span", {}, `${word.at ? `${day(word.at)} · ` : ""}closeness ${word.closeness.toFixed(2)}`),
    h("meter", { min: "0", max: "1", value: word.closeness, "aria-label": `Closeness ${percent(word.closeness)}` })))));

function facts(why) {
  const fact = (name, value) => (value ? [h("dt", {}, name), h("dd", {}, value)] : null);
  const mind = why.mind && (why.offline ? `offline${why.ownWords.length ? ", from your own replies" : ""}` : why.mind);
  return h("dl", { class: "facts" },
    fact("Mind", mind),
    fact("Spoke as", why.persona && bdi(why.persona)),
    fact("Answers", why.answers > 1 && count(why.answers, "message")),
    fact("Tokens", why.tokens && number(why.tokens)),
    fact("Order", why.overtaken && "older than an answer already given, so it quotes what it answers"),
    fact("Settled", why.settledAt && full(why.settledAt)));
}
