// The way to the server. Whatever goes wrong becomes a Problem whose message says what happened and what to do.

export class Problem extends Error {
  constructor(message, status = 0, needs = null) {
    super(message);
    this.status = status;
    this.needs = needs;
  }
}

const AWAY = "The dashboard does not answer. If it was stopped, start it with `secondme up`; nothing here is lost.";

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Problem(AWAY);
  }
  if (!answer.ok) throw await problem(answer);
  return answer;
}

async function problem(answer) {
  const said = await answer.json().catch(() => ({}));
  const message = typeof said.error === "string" ? said.error : `The dashboard answered ${answer.status}.`;
  return new Problem(message, answer.status, said.needs ?? null);
}

export async function get(path) {
  return (await ask(path)).json();
}

export async function post(path, body = {}) {
  const answer = await ask(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer.status === 204 ? null : answer.json();
}

/** Send a form with a file; answers JSON. */
export async function upload(path, form) {
  return (await ask(path, { method: "POST", body: form })).json();
}

/** Send a form or a JSON body and hand each line of the answer to `line`. */
export async function lines(path, body, line) {
  const options = body instanceof FormData
    ? { method: "POST", body }
    : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await ask(path, options);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      for (const part of parts) if (part) line(JSON.parse(part));
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("The connection broke while the chat was read. Importing it again is safe: nothing is kept twice.");
  }
}
