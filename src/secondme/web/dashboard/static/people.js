// The list of phones: one group an account, newest talk first. Arrow keys move, Enter opens.

import { bdi, h, icon, reconcile } from "./dom.js";
import { ago, called, full, initials } from "./format.js";
import { newPhone } from "./newphone.js";
import { open, store } from "./store.js";
import { chip, DESKS, QUIET_KINDS, simulated } from "./words.js";

const NOBODY = {
  clone: "No phone yet. Add one and pretend to be a friend.",
  support: "Nobody has asked anything yet.",
  journal: "Nothing has been noted yet.",
};

const place = document.getElementById("people");

/** Draw the list. */
export function drawPeople() {
  if (!store.state) return;
  const groups = store.state.accounts.map((account) => ({
    account,
    people: [
      ...store.fresh.filter((p) => p.account === account.id).map((p) => ({ ...p, local: true, id: p.key })),
      ...store.people.filter((p) => p.account === account.id).map((p) => ({ ...p, id: p.conversationId })),
    ],
  }));
  reconcile(place, groups.flatMap(group));
  for (const { account, people } of groups) {
    const list = place.querySelector(`ul[data-account="${CSS.escape(account.id)}"]`);
    if (list) reconcile(list, people.map((p) => ({ key: p.id, from: signature(p), make: () => h("li", {}, row(p)) })));
  }
}

function group({ account, people }) {
  const title = DESKS[account.profile] ?? account.id;
  const several = store.state.accounts.filter((a) => a.profile === account.profile).length > 1;
  const words = several ? `${title} · ${account.id}` : title;
  return [
    { key: `h ${account.id}`, from: words, make: () => heading(words, account) },
    { key: `l ${account.id}`, from: people.length > 0, make: () => list(account, people, words) },
  ];
}

function heading(words, account) {
  return h("h2", {}, words, simulated(account.id)
    ? h("button", { class: "round", type: "button", title: "New phone", "aria-label": `New phone for ${words}`,
      "data-focus": "new", "data-account": account.id, onclick: () => newPhone(account.id) }, icon("plus", "small")) : null);
}

function list(account, people, label) {
  if (!people.length && !simulated(account.id)) return h("p", { class: "nobody" }, "Nobody has written to this number yet.");
  if (!people.length) {
    return h("p", { class: "nobody" }, NOBODY[account.profile] ?? "Nobody yet.", " ",
      h("button", { type: "button", onclick: () => newPhone(account.id), "data-focus": "new" }, "New phone"));
  }
  return h("ul", { "aria-label": label, "data-account": account.id });
}

const signature = (p) => [p.id, p.name, p.address, chip(p), p.preview, p.typing, p.lastAt && ago(p.lastAt), p.unread,
  p.previewBy, p.id === store.current];

function row(person) {
  const [kind, words] = chip(person);
  const current = person.id === store.current;
  return h("button", { class: "person", type: "button", "aria-current": current ? "true" : null, "data-id": person.id,
    "data-focus": person.id, onclick: () => open(person.id) },
    h("span", { class: `face ${kind === "go" ? "on" : ""}`, "aria-hidden": "true" }, initials(person)),
    bdi(called(person), { class: "name" }),
    person.lastAt ? h("time", { datetime: person.lastAt, title: full(person.lastAt) }, ago(person.lastAt)) : h("span"),
    h("span", { class: "last" }, last(person),
      person.unread && !current ? h("span", { class: "unread", title: "Unread on that phone" }, person.unread) : null,
      h("span", { class: `chip ${kind}` }, words)));
}

function last(person) {
  if (person.typing) return h("span", { class: "said typing-word" }, "typing…");
  if (person.local) return h("span", { class: "said" }, "Write the first message");
  if (person.preview === null) {
    return h("span", { class: "said" }, person.lastAt ? "Erased" : "Nothing written yet");
  }
  const mine = { bot: "", owner: "You: ", contact: "" }[person.previewBy] ?? "";
  return bdi(mine + (QUIET_KINDS[person.preview] ?? person.preview));
}

/** ↑ ↓ Home End between the rows, whatever group they are in. */
export function peopleKeys(event) {
  const rows = [...place.querySelectorAll(".person")];
  const at = rows.indexOf(document.activeElement);
  if (at < 0) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  rows[Math.max(0, Math.min(to, rows.length - 1))].focus();
}
place.addEventListener("keydown", peopleKeys);
