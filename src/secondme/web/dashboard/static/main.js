// The simulator: everything is drawn from one store, and drawn again when it changed.

import { cancel } from "./composer.js";
import { post } from "./api.js";
import { count, number } from "./format.js";
import { openMenu } from "./menu.js";
import { drawPeople } from "./people.js";
import { drawPhone } from "./phone.js";
import { closeSide, drawSide, openSide } from "./side.js";
import { drawStop, stopEverything } from "./stop.js";
import { changed, isAway, listen, lookAll, lookState, onChange, open, person, store } from "./store.js";
import { isPaused, voiceWords } from "./words.js";

const desk = document.getElementById("desk");
const pulse = document.getElementById("pulse");
const voice = document.getElementById("voice");

function drawPulse() {
  const [state, words] = standing();
  const troubles = store.state?.troubles ?? [];
  pulse.dataset.state = state;
  pulse.querySelector("span").textContent = words;
  pulse.title = [words, ...troubles].join("\n");
}

function standing() {
  if (isAway()) return ["away", "Reconnecting…"];
  if (!store.state) return ["unknown", "Looking…"];
  const mind = store.state.offline ? "offline mind" : store.state.mind;
  if (store.state.stopped) return ["stopped", `Stopped · ${mind}`];
  if (store.state.troubles.length) return ["trouble", `Not well · ${mind}`];
  const paused = store.people.filter((p) => p.enabled && isPaused(p)).length;
  const answered = store.people.filter((p) => p.enabled).length - paused;
  const also = paused ? `, ${number(paused)} paused` : "";
  return answered ? ["answering", `Answering ${count(answered, "contact")}${also} · ${mind}`]
    : ["idle", `Answering nobody ${paused ? `now${also}` : "yet"} · ${mind}`];
}

function drawVoice() {
  if (!store.state) return;
  voice.querySelector("small").textContent = voiceWords();
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

const more = document.getElementById("more");
more.addEventListener("click", () => openMenu(more, [["leave", "Sign out every browser", signOut]]));

/** Out, here and everywhere; the next page asks for a link. */
async function signOut() {
  try {
    await post("/api/sign-out");
    location.assign("/simulator");
  } catch (error) {
    store.problem = error;
    changed();
  }
}

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
setInterval(lookState, 15_000); // what keeps services from working; relative times, and pauses that run out
setInterval(lookAll, 60_000); // what no event tells
