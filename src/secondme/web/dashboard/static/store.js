// What the page knows: snapshots of the ledger, refetched when something happened, and what is still on its way.

import { get, post, Problem } from "./api.js";
import { setZone } from "./format.js";

/** `current` is a conversation id, the key of a phone that has not written yet, or null. */
export const store = {
  state: null,
  people: [],
  fresh: [], // phones made here that have not written yet: { key, name, address, account }
  current: null,
  conversation: null,
  pending: new Map(), // conversation or key → messages that the server does not show yet
  link: "looking", // looking, live, lost
  problem: null, // why the last look at the ledger failed
  selected: null, // id of the bubble whose receipt is open
};

const listeners = new Set();

/** Be told after every change. */
export const onChange = (listener) => listeners.add(listener);

let told = false;
/** Tell the views, once for however many changes there were in this moment. */
export function changed() {
  if (told) return;
  told = true;
  queueMicrotask(() => {
    told = false;
    for (const listener of listeners) listener();
  });
}

/** Runs `work` now; when asked again meanwhile, once more afterwards: the last look is never older than the last event. */
function coalesced(work) {
  let running = null;
  let again = false;
  return function look() {
    if (running) {
      again = true;
      return running;
    }
    running = (async () => {
      do {
        again = false;
        await work();
      } while (again);
    })().finally(() => (running = null));
    return running;
  };
}

async function guarded(work) {
  try {
    await work();
    store.problem = null;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    store.problem = error;
  }
  changed();
}

export const lookState = coalesced(() => guarded(async () => {
  store.state = await get("/api/state");
  setZone(store.state.timezone);
}));

export const lookPeople = coalesced(() => guarded(async () => {
  store.people = (await get("/api/people")).people;
  const known = new Set(store.people.map((p) => `${p.account} ${p.address}`));
  store.fresh = store.fresh.filter((p) => p.key === store.current || !known.has(`${p.account} ${p.address}`));
}));

export const lookThread = coalesced(() => guarded(async () => {
  const id = store.current;
  if (!id || id.startsWith("new:")) return;
  try {
    const found = await get(`/api/conversations/${id}`);
    if (store.current === id) take(id, found);
  } catch (error) {
    if (error.status !== 404 || store.current !== id) throw error;
    open(null);
  }
}));

function take(id, found) {
  store.conversation = found;
  const there = new Set(found.bubbles.map((b) => b.ref));
  const waiting = (store.pending.get(id) ?? []).filter((message) => !there.has(message.id));
  store.pending.set(id, waiting);
}

export const lookAll = () => Promise.all([lookState(), lookPeople(), lookThread()]);

/** Show a conversation, or none. */
export function open(id) {
  if (store.current === id) return;
  store.current = id;
  store.conversation = null;
  store.selected = null;
  changed();
  return lookThread();
}

/** The person shown now, from the newest snapshot; a phone that has not written yet is `local`. */
export function person() {
  if (!store.current) return null;
  const fresh = store.fresh.find((p) => p.key === store.current);
  if (fresh) return { ...fresh, local: true };
  return store.conversation?.person ?? store.people.find((p) => p.conversationId === store.current) ?? null;
}

/** Whether what is shown may be old: the server does not answer, or not as it should. */
export const isAway = () => store.link === "lost" || Boolean(store.problem && store.problem.status !== 404);

export const account = (id) => store.state?.accounts.find((a) => a.id === id) ?? null;

/** Listen to the server's news and look again at what they touch. */
export function listen() {
  const source = new EventSource("/api/events");
  const soon = paced(60, 400);
  source.onopen = () => ((store.link = "live"), changed());
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    const shown = person();
    const touches = event.event === "resync" || event.contactId === "all" || event.contactId === shown?.contactId;
    soon(touches);
  };
  source.onerror = () => {
    store.link = "lost";
    changed();
    setTimeout(() => store.link === "lost" && lookState(), 1500); // says what is wrong, unless it was a moment only
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}

/** A look `wait` ms after an event, but no two within `rest` ms; the thread only where an event touched it. */
function paced(wait, rest) {
  let timer = null;
  let thread = false;
  let last = -rest;
  return (touches) => {
    thread ||= touches;
    timer ??= setTimeout(() => {
      last = performance.now();
      if (thread) lookThread();
      lookPeople();
      lookState();
      timer = null;
      thread = false;
    }, Math.max(wait, last + rest - performance.now()));
  };
}

/** Do something on the server, then look; a Problem goes to the caller. */
export async function act(path, body) {
  const answer = await post(path, body);
  await lookAll();
  return answer;
}
