// What is written on the simulated phones, on its way to the gateway. Nothing typed is ever lost.

import { post, Problem } from "./api.js";
import { changed, lookPeople, lookThread, open, store } from "./store.js";

const queues = new Map(); // conversation or key → promise of what was sent before: order is kept

/**
 * Send one message. `whom` is { key, address, name, account }; `what` is { text, fromMe, replyTo, edits, deletes }.
 * The id is made here, so that sending again after a failure cannot make two of it.
 */
export function send(whom, what) {
  const message = { id: `phone-${crypto.randomUUID()}`, at: new Date().toISOString(), status: "sending", error: null,
    whom, ...what };
  if (!what.edits && !what.deletes) {
    store.pending.set(whom.key, [...(store.pending.get(whom.key) ?? []), message]);
    changed();
  }
  return deliver(message);
}

/** Try a failed message once more; the same id, so it is taken once. */
export function again(message) {
  message.status = "sending";
  message.error = null;
  changed();
  return deliver(message);
}

/** Take a message off the page that has not been taken by the gateway. */
export function discard(message) {
  for (const [key, messages] of store.pending) store.pending.set(key, messages.filter((m) => m.id !== message.id));
  changed();
}

async function deliver(message) {
  const before = queues.get(message.whom.key) ?? Promise.resolve();
  const done = before.then(() => attempt(message));
  queues.set(message.whom.key, done.catch(() => {}));
  return done;
}

async function attempt(message) {
  const { whom } = message;
  try {
    const taken = await post("/api/simulator/messages", {
      from: whom.address,
      name: whom.name || null,
      account: whom.account,
      text: message.deletes ? null : message.text,
      fromMe: message.fromMe ?? false,
      replyTo: message.replyTo ?? null,
      edits: message.edits ?? null,
      deletes: message.deletes ?? null,
      messageId: message.id,
    });
    message.status = "taken";
    await arrived(whom, taken);
  } catch (error) {
    message.status = "failed";
    message.error = error instanceof Problem ? error.message : "The page failed while sending; the text is kept.";
    changed();
    throw error;
  }
}

/** The first message of a new phone made a conversation: move over to it. */
async function arrived(whom, taken) {
  if (!whom.key.startsWith("new:") || !taken.conversationId) {
    await Promise.all([lookThread(), lookPeople()]);
    return;
  }
  const id = taken.conversationId;
  const waiting = store.pending.get(whom.key) ?? [];
  store.pending.set(id, [...(store.pending.get(id) ?? []), ...waiting]);
  store.pending.delete(whom.key);
  store.fresh = store.fresh.filter((phone) => phone.key !== whom.key);
  const shown = store.current === whom.key;
  whom.key = id;
  await lookPeople();
  if (shown) open(id);
  await lookThread();
}
