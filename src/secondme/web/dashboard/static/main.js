// The simulator: everything is drawn from one store, and drawn again when it changed.

import { cancel } from "./composer.js";
import { count } from "./format.js";
import { drawPeople } from "./people.js";
import { drawPhone } from "./phone.js";
import { closeSide, drawSide, openSide } from "./side.js";
import { drawStop, stopEverything } from "./stop.js";
import { changed, listen, lookAll, onChange, open, person, store } from "./store.js";

const desk = document.getElementById("desk");
const pulse = document.getElementById("pulse");
const voice = document.getElementById("voice");

function drawPulse() {
  const [state, words] = standing();
  pulse.dataset.state = state;
  pulse.querySelector("span").textContent = words;
  pulse.title = words;
}

function standing() {
  if (store.link === "lost") return ["away", "Reconnecting…"];
  if (!store.state) return ["unknown", "Looking…"];
  const mind = store.state.offline ? "offline mind" : store.state.mind;
  if (store.state.stopped) return ["stopped", `Stopped · ${mind}`];
  const enabled = store.people.filter((p) => p.enabled).length;
  return enabled ? ["answering", `Answering ${count(enabled, "contact")} · ${mind}`] : ["idle", `Answering nobody yet · ${mind}`];
}

function drawVoice() {
  if (!store.state) return;
  const { ownVoice, keptReplies } = store.state;
  voice.querySelector("small").textContent = !ownVoice ? "Not learned yet: import a chat"
    : keptReplies ? `Learned, with ${count(keptReplies, "reply", "replies")} of yours` : "Learned, style only";
}

function drawView() {
  desk.dataset.view = store.current ? "thread" : "list";
  desk.dataset.begun = store.people.length || store.fresh.length ? "yes" : "no";
  const who = person();
  const hash = store.current && !store.current.startsWith("new:") ? `#${store.current}` : "";
  if (who && location.hash !== hash && hash) history.pushState(null, "", hash);
  if (!store.current && location.hash) history.pushState(null, "", location.pathname);
}

onChange(() => {
  for (const draw of [drawPulse, drawVoice, drawStop, drawPeople, drawPhone, drawSide, drawView]) draw();
});

// The drawer begins where the columns do: below the bar, and below the banner where there is one.
new ResizeObserver(() => document.body.style.setProperty("--top", `${desk.getBoundingClientRect().top}px`))
  .observe(document.getElementById("banner"));

const fromHash = () => (/^#[0-9a-f-]{36}$/.test(location.hash) ? location.hash.slice(1) : null);
addEventListener("popstate", () => open(fromHash()));

voice.addEventListener("click", () => openSide("import"));

const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");

addEventListener("keydown", (event) => {
  if (event.key === "P" && event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target)) {
    event.preventDefault();
    stopEverything();
  } else if (event.key === "Escape" && !document.querySelector("dialog[open], :popover-open")) {
    if (!cancel() && !closeSide()) event.target.blur?.();
  }
});

store.current = fromHash();
lookAll();
listen();
setInterval(changed, 15_000); // relative times and pauses that run out
setInterval(lookAll, 60_000); // what no event tells
