// A new phone: a name and a number, nothing more. It becomes a contact when it writes.

import { bdi, fill, h } from "./dom.js";
import { called, plain, short } from "./format.js";
import { changed, open, store } from "./store.js";
import { DESKS, simulated } from "./words.js";

const box = document.getElementById("box");

/** Ask for name and number, then open the phone. */
export function newPhone(accountId = null) {
  const accounts = store.state.accounts.filter((a) => simulated(a.id));
  const name = h("input", { name: "name", autocomplete: "off", maxlength: "100", placeholder: "Mara Ruiz", required: true });
  const number = h("input", { name: "number", autocomplete: "off", inputmode: "tel", maxlength: "200", required: true,
    value: unused(), dir: "ltr" });
  const desk = h("select", { name: "account" }, accounts.map((a) =>
    h("option", { value: a.id, selected: a.id === accountId }, `${DESKS[a.profile] ?? a.profile} (${a.id})`)));
  const note = h("small", { role: "status" });
  const submit = h("button", { class: "button primary", type: "submit" }, "Open phone");
  const look = () => drawKnown(holder(number.value), { name, note, submit });
  for (const field of [number, desk]) field.addEventListener("input", look);
  const form = h("form", { method: "dialog", onsubmit: (event) => made(event, name, number, desk) },
    h("h2", { id: "box-title" }, "New phone"),
    h("p", {}, "It exists only on this page: nobody is called and nothing leaves this machine."),
    h("label", { class: "field" }, "Name", name),
    h("label", { class: "field" }, "Number", number, note),
    accounts.length > 1 ? h("label", { class: "field" }, "Writes to", desk) : null,
    h("div", { class: "actions" },
      h("button", { class: "button quiet", type: "button", onclick: () => box.close() }, "Cancel"),
      submit));
  fill(box, form);
  look();
  box.setAttribute("aria-labelledby", "box-title");
  box.showModal();
  name.focus();
}

/** Whose number it is already, on whatever account: one number is one person. */
const holder = (typed) => store.people.find((p) => p.address === normal(typed));

function drawKnown(known, { name, note, submit }) {
  name.disabled = Boolean(known);
  fill(note, known ? ["This number is ", bdi(called(known)), "’s, and it keeps that name."] : "Any number or id; this one is made up.");
  note.classList.toggle("told", Boolean(known));
  fill(submit, h("span", {}, known ? ["Open ", bdi(short(known)), "’s phone"] : "Open phone"));
}

function made(event, name, number, desk) {
  event.preventDefault();
  const address = normal(number.value);
  const label = plain(holder(address)?.name ?? name.value, 100) || (holder(address) && address);
  if (!address || !label) return;
  box.close();
  const known = store.people.find((p) => p.account === desk.value && p.address === address);
  if (known) {
    open(known.conversationId);
    return;
  }
  const phone = { key: `new:${desk.value}:${address}`, name: label, address, account: desk.value, enabled: false,
    relationship: "acquaintance", state: "disabled" };
  store.fresh = [phone, ...store.fresh.filter((p) => p.key !== phone.key)];
  open(phone.key);
  changed();
}

/** Spaces and brackets go, as the server does it. */
function normal(text) {
  const compact = text.trim().replace(/[ ().-]/g, "");
  if (/^\+[1-9][0-9]{6,14}$/.test(compact)) return compact;
  return /^[1-9][0-9]{6,14}$/.test(compact) ? `+${compact}` : text.trim();
}

/** A fictional number (555-01xx) that no phone here has. */
function unused() {
  const taken = new Set([...store.people, ...store.fresh].map((p) => p.address));
  for (let n = 0; n < 100; n += 1) {
    const number = `+1202555${String(100 + ((n * 37 + 12) % 100)).padStart(4, "0")}`;
    if (!taken.has(number)) return number;
  }
  return "";
}
