// Importing a chat: choose it, say who you are, agree or not to keep your replies, watch it, read what was learned.

import { get, lines, Problem, upload } from "./api.js";
import { announce, bdi, fill, h, icon, problem, stale } from "./dom.js";
import { called, count, number, percent, plain } from "./format.js";
import { changed, lookAll, store } from "./store.js";
import { RELATIONSHIPS } from "./words.js";

const MOST = 512 * 1024 * 1024; // bytes
const FRESH = { step: "choose", file: null, sample: null, found: null, me: null, keep: "no", order: null, needsOrder: false,
  contact: "", relationship: "", progress: null, report: null, memory: null, problem: null, busy: false };
let at = { ...FRESH };
let samples = null;

const set = (values) => {
  Object.assign(at, values);
  changed();
};

/** Draw the step that the import is at. */
export function drawImport(place, close) {
  if (!samples) loadSamples();
  const { file, found, ...rest } = at;
  if (!stale(place, ["import", rest, file?.name, found?.file, samples?.length, store.people.length, store.state.voiceOwner, store.state.keptReplies])) return;
  const sameStep = place.dataset.step === `import ${at.step}`;
  if (sameStep && at.step === "reading" && drawProgress(place)) return;
  place.dataset.step = `import ${at.step}`;
  fill(place, h("div", { class: "panel" }, top(close), at.problem ? problem(at.problem) : null, STEPS[at.step]()));
}

async function loadSamples() {
  samples = [];
  samples = await get("/api/import/samples").catch(() => []);
  changed();
}

const LEADS = {
  choose: "SecondMe learns how you write from a chat that you export from WhatsApp.",
  ask: "Nothing of this chat has been kept yet.",
  reading: "You may go on meanwhile.",
  report: "This is what it learned.",
};

function top(close) {
  return h("header", {}, h("div", {}, h("h2", {}, "Your voice"), h("p", {}, LEADS[at.step])),
    h("button", { class: "round shut", type: "button", "aria-label": "Close", onclick: () => (close(), settle()) }, icon("close")));
}

/** Closed after a report: begin anew next time. */
function settle() {
  if (at.step === "report") at = { ...FRESH };
}

const STEPS = { choose, ask, reading, report };

// ---- choose

function choose() {
  const input = h("input", { type: "file", accept: ".txt,.zip,text/plain,application/zip", class: "sr", id: "chat-file",
    onchange: () => take(input.files[0]) });
  const drop = h("label", { class: "drop", for: "chat-file",
    ondragover: (event) => (event.preventDefault(), drop.classList.add("over")),
    ondragleave: () => drop.classList.remove("over"),
    ondrop: (event) => (event.preventDefault(), drop.classList.remove("over"), take(event.dataTransfer.files[0])) },
    icon("file"), h("span", {}, h("b", {}, at.busy ? "Reading…" : "Choose a file"), at.busy ? null : " or drop it here"),
    h("span", {}, "The .txt or .zip of “Export chat”, without media"), input);
  return [
    drop,
    h("section", {}, h("h3", {}, "Or use a chat that comes with SecondMe"), (samples ?? []).map((sample) =>
      h("button", { class: "choice", type: "button", disabled: at.busy, onclick: () => takeSample(sample) },
        icon("voice"), h("b", {}, sample.me), icon("next", "small"), h("small", { class: "about" }, sample.about)))),
    h("p", { class: "lead" }, "In WhatsApp: open a chat, its menu, More, Export chat, Without media. The file is read on this machine"
      + " and deleted after reading."),
  ];
}

async function take(file) {
  if (!file || at.busy) return;
  if (file.size > MOST) return set({ problem: "The file is larger than 512 MiB: export the chat without media." });
  await look(() => upload("/api/import/inspect", form({ file })), { file, sample: null, keep: "no" });
}

async function takeSample(sample) {
  await look(() => get(`/api/import/samples/${sample.name}`), { file: null, sample, me: sample.me, keep: "yes" });
}

async function look(work, values) {
  set({ ...values, busy: true, problem: null });
  try {
    const found = await work();
    const me = at.sample?.me ?? (Object.keys(found.authors).length === 1 ? Object.keys(found.authors)[0] : null);
    set({ found, me, step: "ask", busy: false, needsOrder: at.needsOrder });
  } catch (error) {
    set({ busy: false, problem: error.message, needsOrder: error instanceof Problem && error.needs === "order" });
    if (at.needsOrder) set({ step: "ask", found: null });
  }
}

function form({ file }) {
  const body = new FormData();
  if (at.order) body.append("order", at.order);
  if (at.me) body.append("me", at.me);
  if (at.contact) body.append("contact", at.contact);
  if (at.relationship) body.append("relationship", at.relationship);
  body.append("keepVoice", at.keep);
  body.append("file", file, file.name);
  return body;
}

// ---- ask

function radios(legend, name, options) {
  return h("fieldset", {}, h("legend", {}, legend), options.map(([value, words, side, about, checked, action]) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name, value, checked, "data-focus": `${name} ${value}`, onchange: action }),
      h("b", {}, words), side ? h("small", {}, side) : h("span"), about ? h("small", { class: "about" }, about) : null)));
}

function ask() {
  if (at.needsOrder && !at.found) return order();
  const { found } = at;
  const authors = Object.entries(found.authors);
  return [
    h("dl", { class: "facts" }, h("dt", {}, "Chat"), h("dd", {}, bdi(found.file || "the file")),
      h("dt", {}, "Messages"), h("dd", {}, number(found.messages)),
      found.layout ? [h("dt", {}, "Dates read as"), h("dd", {}, found.layout)] : null),
    radios("Which of them is you?", "me", authors.map(([name, n]) =>
      [name, bdi(name), count(n, "message"), null, name === at.me, () => set({ me: name, contact: "" })])),
    others(),
    radios("May it keep replies of yours as examples?", "keep", [
      ["yes", "Yes, keep them sealed", null, "Anyone whom it answers may hear the plain ones, and others only the one you wrote them to."
        + " A filter of words decides; it makes mistakes. Never the other side’s words. Ask the other side first.", at.keep === "yes", () => set({ keep: "yes" })],
      ["no", "No, learn the style only", null, "Figures such as length, case and emoji, and short phrases that you use three times or more."
        + " Answers will be plainer.", at.keep === "no", () => set({ keep: "no" })],
    ]),
    another(),
    h("div", { class: "actions" },
      h("button", { class: "button primary", type: "button", disabled: !at.me, onclick: run }, "Learn from this chat"),
      h("button", { class: "button quiet", type: "button", onclick: () => set({ ...FRESH }) }, "Another file")),
  ];
}

/** Whom the chat is with, and how the owner knows them: a name in it is chosen by whoever bears it, so it links nobody. */
function others() {
  const names = Object.keys(at.found.authors).filter((name) => name !== at.me);
  if (!at.me || !names.length) return null;
  const people = [...new Map(store.people.map((p) => [p.contactId, p])).values()].sort((a, b) => called(a).localeCompare(called(b)));
  const known = people.find((p) => p.contactId === at.contact);
  const option = (value, words, chosen) => h("option", { value, selected: value === chosen }, words);
  return h("div", { class: "fields" },
    names.length === 1 && people.length ? h("label", { class: "field" }, h("span", {}, "Who here is ", bdi(names[0]), "?"),
      h("select", { "data-focus": "contact", onchange: (event) => set({ contact: event.target.value }) },
        option("", "Nobody of these, or I leave it open", at.contact),
        people.map((p) => option(p.contactId, `${called(p)} · ${plain(p.address, 40)}`, at.contact)))) : null,
    h("label", { class: "field" }, names.length === 1 ? h("span", {}, "How do you know ", bdi(names[0]), "?") : "How do you know this group?",
      h("select", { "data-focus": "relationship", onchange: (event) => set({ relationship: event.target.value }) },
        option("", known ? `As you said: ${RELATIONSHIPS[known.relationship] ?? known.relationship}` : "I leave it open", at.relationship),
        store.state.relationships.map((r) => option(r, RELATIONSHIPS[r] ?? r, at.relationship))),
      h("small", {}, "With twenty messages of yours to people of one kind, it learns how you write to them.")));
}

/** One voice at a time: whoever is about to be replaced is named before. */
function another() {
  const { voiceOwner, keptReplies } = store.state;
  if (!voiceOwner || !at.me || same(voiceOwner, at.me)) return null;
  return h("p", { class: "aside" }, "It speaks as ", bdi(plain(voiceOwner)), " now. One voice at a time: this chat replaces it",
    keptReplies ? `, and ${count(keptReplies, "kept reply", "kept replies")} are set aside until a chat of theirs is imported again.`
      : ".", " Is it you, spelt otherwise? Then what was learned before is set aside all the same.");
}

const same = (one, other) => plain(one).toLocaleLowerCase() === plain(other).toLocaleLowerCase();

function order() {
  return [
    radios("Which comes first in this chat’s dates?", "order", [
      ["dmy", "The day", "31/12/2026", null, at.order === "dmy", () => set({ order: "dmy" })],
      ["mdy", "The month", "12/31/2026", null, at.order === "mdy", () => set({ order: "mdy" })],
    ]),
    h("div", { class: "actions" },
      h("button", { class: "button primary", type: "button", disabled: !at.order || at.busy, onclick: () => take(at.file) }, "Read it so"),
      h("button", { class: "button quiet", type: "button", onclick: () => set({ ...FRESH }) }, "Another file")),
  ];
}

// ---- read

async function run() {
  set({ step: "reading", progress: { done: 0, size: 0 }, problem: null });
  try {
    const body = at.sample ? { name: at.sample.name, keepVoice: at.keep === "yes", contact: at.contact || null,
      relationship: at.relationship || null } : form({ file: at.file });
    await lines(at.sample ? "/api/import/sample" : "/api/import", body, heard);
    if (at.step === "reading") throw new Problem("The import ended without a report. Importing it again is safe.");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    set({ step: "ask", problem: error.message });
  }
}

function heard(line) {
  if (line.progress) return set({ progress: line.progress });
  if (line.error) throw new Problem(line.error);
  set({ step: "report", report: line.report, memory: null });
  announce("The chat has been read.");
  lookAll();
  remembering(line.report);
}

/** Look every second how far memory has come, as long as this report is shown. */
async function remembering(shown) {
  while (shown.remembers && at.report === shown) {
    const memory = await get(`/api/imports/${shown.id}`).catch(() => null);
    if (at.report !== shown) return;
    set({ memory });
    if (memory?.state === "done") return announce("Memory has learned from the chat.");
    if (memory?.state === "failed") return;
    await new Promise((wake) => setTimeout(wake, 1000));
  }
}

function reading() {
  return h("section", {}, h("h3", {}, "Reading"), h("progress", { max: "100", "aria-label": "Reading the chat" }),
    h("p", { class: "lead done" }, words()));
}

function drawProgress(place) {
  const bar = place.querySelector("progress");
  if (!bar) return false;
  if (at.progress.size) bar.value = (100 * at.progress.done) / at.progress.size;
  place.querySelector(".done").textContent = words();
  return true;
}

function words() {
  const { done, size } = at.progress;
  return size ? `${number(Math.round(done / 1024))} of ${number(Math.round(size / 1024))} KiB` : "Beginning…";
}

// ---- report

function memory() {
  const { memory: m } = at;
  if (!m) return null;
  const known = `${count(m.entities, "person or thing", "people, companies, topics, events and places")} known from this chat`;
  const said = { waiting: `${number(m.done)} of ${count(m.total, "message")} so far, ${known}`, done: `${count(m.total, "message")}, ${known}`,
    failed: m.failure };
  return h("section", { class: "memory" }, h("h3", {}, m.state === "waiting" ? "Remembering" : "Remembered"),
    m.state === "waiting" ? h("progress", { max: m.total, value: m.done, "aria-label": "Memory learns from the chat" }) : null,
    h("p", { class: "lead done" }, said[m.state]));
}

function report() {
  const { report: r } = at;
  const figure = (value, label) => h("div", {}, h("b", {}, value), h("small", {}, label));
  return [
    h("div", { class: "figures" },
      figure(number(r.own), `of ${count(r.messages, "message")} are yours`),
      figure(`${number(r.kept)} new`, r.keptInAll ? `replies kept, ${number(r.keptInAll)} in all` : "replies kept"),
      figure(`${r.style.words} words`, "a message, on average"),
      figure(percent(r.style.lowerCase), "begin in lower case"),
      figure(percent(r.style.emoji), "have an emoji"),
      figure(`${r.style.burst} messages`, "in a row, on average")),
    r.setAside ? h("p", { class: "aside" }, `Set aside: ${count(r.setAside, "reply", "replies")} of somebody else’s. One voice at`
      + " a time: importing their chat brings them back.") : null,
    memory(),
    h("section", {}, h("h3", {}, "It may sound like this"), h("ul", { class: "says" }, r.persona.examples.map((text) => h("li", { dir: "auto" }, text)))),
    h("details", {}, h("summary", {}, "How it is told to write"), h("p", { class: "verdict" }, r.persona.styleGuide)),
    h("div", { class: "actions" }, h("button", { class: "button", type: "button", onclick: () => set({ ...FRESH }) }, "Import another")),
  ];
}
