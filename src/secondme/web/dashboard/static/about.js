// About the contact whose thread is open: what happens when they write, and how to change that.

import { bdi, fill, h, icon, problem, stale } from "./dom.js";
import { called, count, number } from "./format.js";
import { act, person as current, store } from "./store.js";
import { chip, desk, freeText, isPaused, RELATIONSHIPS, situation } from "./words.js";

let trouble = null;

/** Draw it, where anything has changed. */
export function drawAbout(place, close) {
  const person = current();
  const endings = person ? tally(store.conversation) : null;
  const from = ["about", person && [person.conversationId ?? person.key, person.name, chip(person), person.relationship,
    person.personaId, situation(person), person.enabled, freeText(person)], endings, store.state.personas, trouble, store.state.receipts];
  if (!stale(place, from)) return;
  fill(place, person ? contact(person, endings, close) : overview(close));
}

function top(title, close, ...more) {
  return h("header", {}, h("div", {}, h("h2", {}, title), ...more),
    h("button", { class: "round shut home", type: "button", "aria-label": "Close", onclick: close }, icon("close")));
}

function contact(person, endings, close) {
  const path = `/api/conversations/${person.conversationId}`;
  const go = (work) => async () => {
    trouble = await work().then(() => null, (error) => error.message);
  };
  return h("div", { class: "panel" },
    top(bdi(called(person)), close, h("p", {}, situation(person))),
    trouble ? problem(trouble) : null,
    person.local ? null : h("div", { class: "actions" }, buttons(person, path, go)),
    person.local ? null : h("div", { class: "fields" }, fields(person, go)),
    facts(person, endings),
    h("section", {}, h("h3", {}, "Why did it answer, or not?"),
      h("p", { class: "lead" }, "Choose any message in the thread. Its receipt appears here: the journey with its times, the rule"
        + " that decided, and your own words that the answer leaned on.")));
}

function buttons(person, path, go) {
  if (!person.enabled) {
    return h("button", { class: "button primary", type: "button", onclick: go(() => act(`${path}/enable`)) }, "Answer from now on");
  }
  return [
    isPaused(person)
      ? h("button", { class: "button", type: "button", onclick: go(() => act(`${path}/resume`)) }, icon("play", "small"), "Resume")
      : h("button", { class: "button", type: "button", onclick: go(() => act(`${path}/pause`, { minutes: 60 })) }, icon("pause", "small"), "Pause 1 h"),
    h("button", { class: "button quiet", type: "button", onclick: go(() => act(`${path}/disable`)) }, "Stop answering"),
  ];
}

function fields(person, go) {
  const relate = (relationship, personaId) =>
    go(() => act(`/api/contacts/${person.contactId}/relationship`, { relationship, personaId: personaId || null }));
  const option = (value, words, chosen) => h("option", { value, selected: value === chosen }, words);
  return [
    h("label", { class: "field" }, "Relationship",
      h("select", { "data-focus": "relationship", onchange: (e) => relate(e.target.value, person.personaId)() },
        store.state.relationships.map((r) => option(r, RELATIONSHIPS[r] ?? r, person.relationship)))),
    h("label", { class: "field" }, "Speaks as",
      h("select", { "data-focus": "persona", onchange: (e) => relate(person.relationship, e.target.value)() },
        option("", "As the relationship says", person.personaId ?? ""),
        store.state.personas.map((p) => option(p.id, p.name, person.personaId ?? "")))),
  ];
}

function facts(person, endings) {
  const fact = (name, value) => [h("dt", {}, name), h("dd", {}, value)];
  const open = freeText(person);
  return h("dl", { class: "facts" }, fact("Writes to", desk(person.account)), fact("Address", bdi(person.address)),
    open ? fact("Free text", open[1]) : null,
    endings ? fact("In this thread", endings) : null);
}

function tally(conversation) {
  if (!conversation?.bubbles.length) return null;
  const incoming = conversation.bubbles.filter((b) => b.incoming);
  const answered = incoming.filter((b) => b.status === "replied").length;
  return `${count(incoming.length, "message")}, ${number(answered)} answered`;
}

const OUTCOMES = { replied: "Answered", silent: "Left unanswered", drafted: "Drafted", uncertain: "May not have arrived",
  failed: "Could not be answered" };

function overview(close) {
  const totals = {};
  for (const [ending, n] of Object.entries(store.state.receipts)) {
    const outcome = ending.split(" ")[0];
    totals[outcome] = (totals[outcome] ?? 0) + n;
  }
  const rows = Object.entries(totals);
  return h("div", { class: "panel" }, top("The last 24 hours", close),
    rows.length
      ? h("div", { class: "figures" }, rows.map(([outcome, n]) => h("div", {}, h("b", {}, number(n)), h("small", {}, OUTCOMES[outcome] ?? outcome))))
      : h("p", { class: "lead" }, "Nothing has arrived yet. Every message that does ends with a receipt, and you can read each one here."));
}
