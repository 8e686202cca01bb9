// The stop: never asks, says what it did, and how to go on.

import { post } from "./api.js";
import { announce, bdi, fill, h, icon, sentence, stale } from "./dom.js";
import { clock, count, plain } from "./format.js";
import { lookAll, open, store } from "./store.js";

const button = document.getElementById("stop");
const label = document.getElementById("stop-label");
const banner = document.getElementById("banner");
let pressed = null; // what the last press from this page did
let resumed = false; // a resume was answered a moment ago
let failed = null;

/** Stop everything, at once. Pressing again does no harm. */
export async function stopEverything() {
  button.setAttribute("aria-busy", "true");
  failed = null;
  resumed = false;
  try {
    pressed = await post("/api/stop");
    announce("Everything is stopped.");
  } catch (error) {
    failed = `The stop is not confirmed. ${plain(error.message, 200)} Press again, or run \`secondme pause all\` in a terminal.`;
  }
  button.removeAttribute("aria-busy");
  drawStop();
  await lookAll();
  if (pressed && !store.problem) pressed.looked = true;
}

async function resumeEverything() {
  try {
    await post("/api/resume");
    pressed = null;
    failed = null;
    resumed = true;
    announce("Answering again.");
    setTimeout(() => ((resumed = false), drawStop()), 8000);
  } catch (error) {
    failed = `Still stopped: the resume was not taken. ${plain(error.message, 200)}`;
  }
  await lookAll();
  drawStop();
}

/** Draw the banner, and how things stand in the bar. */
export function drawStop() {
  const stopped = store.state?.stopped;
  // Somebody else has resumed, if a look that began after our press shows no stop; an earlier look proves nothing.
  if (!stopped && pressed?.committed && pressed.looked) pressed = null;
  drawButton(Boolean(stopped || pressed));
  const parts = message(stopped);
  if (!stale(banner, parts && [parts.kind, parts.title, parts.from])) return;
  banner.hidden = !parts;
  if (!parts) return;
  banner.dataset.kind = parts.kind;
  fill(banner, icon(parts.kind === "calm" ? "check" : parts.kind === "away" ? "alert" : "stop"),
    h("div", {}, h("b", {}, parts.title), h("p", {}, typeof parts.words === "string" ? sentence(parts.words) : parts.words)),
    parts.action ? h("button", { class: "button", type: "button", onclick: resumeEverything }, parts.action) : null);
}

/** Pressed, it says so, and where one goes on. Pressing it again is still a stop. */
function drawButton(isStopped) {
  button.dataset.stopped = isStopped;
  const [words, way] = isStopped ? ["Stopped", "resume below"] : ["Stop everything", null];
  if (!stale(button, words)) return;
  fill(label, h("b", {}, words), way ? h("small", {}, way) : null);
  button.title = isStopped ? "Everything is stopped. “Resume answering” below goes on." : "";
}

function message(stopped) {
  if (failed) return { kind: "stop", title: "Not confirmed", words: failed, from: failed };
  if (pressed && !pressed.committed) {
    return { kind: "stop", title: "Held, not committed", from: pressed.since, action: "Resume",
      words: "The ledger does not answer, so the stop is kept beside it. Nothing is sent before it has been written down." };
  }
  if (stopped || pressed) {
    const since = stopped?.since ?? pressed.since;
    return { kind: "stop", title: `Everything is stopped since ${clock(since)}`, words: did(), action: "Resume answering",
      from: pressed };
  }
  if (store.problem && store.problem.status !== 404) {
    return { kind: "away", title: store.problem.status === 401 ? "This page is signed out" : "This page may be out of date", words: store.problem.message, from: store.problem.message };
  }
  if (resumed) return { kind: "calm", title: "Answering again", words: "What met the stop stays unanswered.", from: "resumed" };
  return trouble(store.state?.troubles ?? []);
}

/** What the services complain of, in their own words. */
function trouble(all) {
  if (!all.length) return null;
  return { kind: "away", title: "Something is to mend", from: all.join(),
    words: [all.map((one) => h("span", { class: "trouble" }, sentence(one))), sentence("What to do: `secondme doctor`")] };
}

function did() {
  if (!pressed) return "Nothing leaves until you resume. What arrives is kept and stays unanswered.";
  const silenced = pressed.silenced ? `${count(pressed.silenced, "waiting message")} ended unanswered. ` : "Nobody was waiting. ";
  if (!pressed.leaving.length) return `${silenced}Nothing was on its way, and nothing leaves until you resume.`;
  return [silenced, `${count(pressed.leaving.length, "message")} had left before and cannot be called back: `,
    pressed.leaving.map((one, i) => [i ? ", " : "", leaving(one)]), "."];
}

function leaving(one) {
  const name = one.name ? bdi(plain(one.name)) : one.deliveryId.slice(0, 8);
  if (!one.conversationId) return name;
  return h("button", { class: "name", type: "button", onclick: () => open(one.conversationId) }, name);
}

button.addEventListener("click", stopEverything);
