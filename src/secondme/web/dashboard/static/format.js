// Words for times, names and numbers. Times are in the owner's zone, not the browser's.

let zone;
const formats = new Map();

/** Set the owner's time zone, an IANA name. */
export function setZone(name) {
  if (name !== zone) formats.clear();
  zone = name;
}

function format(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  return formats.get(key);
}

export const clock = (iso) => format({ hour: "2-digit", minute: "2-digit" }).format(new Date(iso));

export const full = (iso) =>
  format({ weekday: "short", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit",
    second: "2-digit", timeZoneName: "short" }).format(new Date(iso));

const dayKey = (date) => format({ year: "numeric", month: "2-digit", day: "2-digit" }).format(date);

/** "Today", "Yesterday", "Tomorrow", "Tuesday 3 March", with the year where it is not this one. */
export function day(iso, now = new Date()) {
  const date = new Date(iso);
  if (dayKey(date) === dayKey(now)) return "Today";
  if (dayKey(date) === dayKey(new Date(now - 86_400_000))) return "Yesterday";
  if (dayKey(date) === dayKey(new Date(Number(now) + 86_400_000))) return "Tomorrow";
  const year = format({ year: "numeric" });
  const same = year.format(date) === year.format(now);
  return format({ weekday: "long", day: "numeric", month: "long", ...(same ? {} : { year: "numeric" }) }).format(date);
}

/** Within a sentence: "tomorrow, 14:02". */
export const moment = (iso) => `${day(iso).replace(/^(Today|Yesterday|Tomorrow)$/, (word) => word.toLowerCase())}, ${clock(iso)}`;

/** For lists: "now", "4 min", "14:02", "Tue", "3 Mar". */
export function ago(iso, now = new Date()) {
  const date = new Date(iso);
  const minutes = Math.floor((now - date) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (dayKey(date) === dayKey(now)) return clock(iso);
  if (minutes < 6 * 1440) return format({ weekday: "short" }).format(date);
  return format({ day: "numeric", month: "short" }).format(date);
}

/** How long until then: "52 min", "3 h", "2 days"; empty once it has passed. */
export function left(iso, now = new Date()) {
  const minutes = Math.ceil((new Date(iso) - now) / 60_000);
  if (minutes <= 0) return "";
  if (minutes <= 90) return `${minutes} min`;
  if (minutes <= 36 * 60) return `${Math.round(minutes / 60)} h`;
  return `${Math.round(minutes / 1440)} days`;
}

/** An offset in milliseconds: "0 ms", "+840 ms", "+3.2 s", "+4 min". */
export function offset(ms) {
  if (ms === 0) return "0 ms";
  if (ms < 1000) return `+${ms} ms`;
  if (ms < 60_000) return `+${(ms / 1000).toFixed(1)} s`;
  if (ms < 5_400_000) return `+${Math.round(ms / 60_000)} min`;
  return `+${(ms / 3_600_000).toFixed(1)} h`;
}

const numbers = new Intl.NumberFormat("en-GB");
export const number = (value) => numbers.format(value);
export const count = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;
export const percent = (share) => `${Math.round(share * 100)} %`;

// Marks that could turn or hide what stands around a name: bidirectional controls, zero-width and control characters.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** A name from outside for one line of ours: short, without marks that reach beyond it. */
export function plain(text, most = 60) {
  const clean = String(text ?? "").replace(UNSEEN, " ").replace(/\s+/g, " ").trim();
  const letters = Array.from(clean);
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : clean;
}

/** What a person is called: the name that they gave, else their address. */
export const called = (person) => plain(person.name) || plain(person.address, 40);

/** The same for places that are no element of their own (labels, placeholders): isolated by characters. */
export const isolated = (person) => `\u2068${called(person)}\u2069`;

/** The first word of a name that is no title, for buttons. */
export const short = (person) => {
  const words = plain(person.name).split(" ");
  return words.find((word) => !word.endsWith(".")) || words[0] || plain(person.address, 20);
};

/** Two letters for a face. */
export function initials(person) {
  const words = plain(person.name).split(" ").filter((word) => /\p{L}/u.test(word));
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  const found = letters.map((word) => Array.from(word.match(/\p{L}/u)[0])[0].toLocaleUpperCase()).join("");
  return found || plain(person.address).replace(/\D/g, "").slice(-2) || "?";
}
