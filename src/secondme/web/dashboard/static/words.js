// Words for states, so that they are the same wherever they stand.

import { called, count, isolated, left, moment, plain } from "./format.js";
import { account, isAway, store } from "./store.js";

export const DESKS = { clone: "Your clone", support: "Support desk", journal: "Journal" };

export const RELATIONSHIPS = { friend: "Friend", family: "Family", colleague: "Colleague", client: "Client",
  manager: "Manager", acquaintance: "Acquaintance" };

export const desk = (id) => DESKS[account(id)?.profile] ?? id;

/** Who speaks for the owner on this account. */
export const speaker = (id) => DESKS[account(id)?.profile] ?? "SecondMe";

/** Whether the people of this account are phones that exist only here, so that one can write as them. */
export const simulated = (id) => account(id)?.channel === "simulator";

/**
 * How the provider's window stands for a person, as [open, words]; null where there is none: on the simulator, or
 * where it is not known.
 */
export function freeText(person) {
  if (person.local || isAway() || !account(person.account)?.windowHours) return null;
  const until = person.windowUntil;
  if (!until) return [false, "closed, for they have never written"];
  const rest = left(until);
  return rest ? [true, `until ${moment(until)} (${rest})`] : [false, `closed since ${moment(until)}`];
}

export const stopped = () => store.state?.stopped ?? null;

/** A person's own pause; the stop of everything is another thing. */
export const isPaused = (person) => person.state === "paused" && person.pauseReason !== "switch";

/** The chip for a person: [classes, words]. */
export function chip(person) {
  if (person.local) return ["off", "new phone"];
  if (isAway()) return ["off", "not known"];
  if (!person.enabled) return ["off", "not enabled"];
  if (stopped()) return ["halt", "stopped"];
  if (isPaused(person)) return ["hold", `paused ${left(person.pausedUntil ?? "")}`.trim()];
  return ["go", "answering"];
}

/** Whose voice it is, and how much of it there is, in a line. */
export function voiceWords() {
  const { ownVoice, keptReplies, voiceOwner } = store.state;
  if (!ownVoice) return "Not learned yet: import a chat";
  const whose = voiceOwner ? `${plain(voiceOwner, 24)}’s` : "Learned";
  return `${whose}, ${keptReplies ? count(keptReplies, "reply", "replies") : "style only"}`;
}

const BECAUSE = {
  owner_word: "because you wrote yourself",
  rate_limit: "because too many messages came within a minute",
  budget: "because the budget is spent and a person was promised",
  manual: "by you",
};

/** A sentence about what happens when this person writes now. */
export function situation(person) {
  const who = isolated(person);
  if (person.local) return `${who} is a phone that exists only here. It becomes a contact with its first message.`;
  if (isAway()) return "The dashboard does not answer, so this page does not know who is answered now.";
  if (!person.enabled) return `${who} is not enabled: what arrives is kept and ends without an answer.`;
  if (stopped()) return "Everything is stopped. What arrives now is kept and never answered.";
  if (isPaused(person)) {
    const time = person.pausedUntil ? `for another ${left(person.pausedUntil) || "moment"}` : "until you resume";
    return `Paused ${time}, ${BECAUSE[person.pauseReason] ?? "by you"}. What arrives meanwhile is never answered.`;
  }
  return `${speaker(person.account)} answers ${who}.`;
}

export const QUIET_KINDS = { image: "Picture", audio: "Voice note", video: "Video", document: "Document",
  sticker: "Sticker", location: "Location", contacts: "Contact card", reaction: "Reaction", unknown: "Something unreadable" };

/** Who wrote a bubble. */
export function author(bubble, person) {
  if (bubble.by === "contact") return called(person);
  if (bubble.by === "bot") return speaker(person.account);
  return bubble.ordered ? "You, by secondme send" : "You, from your phone";
}
