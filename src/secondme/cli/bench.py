"""`bench`: how good the voice is, and how quick the rest."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from secondme.domain.errors import NotFound
from secondme.domain.message import Kind, Message
from secondme.domain.persona import Example, Persona
from secondme.domain.profile import Account
from secondme.domain.turn import Contact, Turn
from secondme.llm.offline import OfflineMind
from secondme.memory.exports import ExportMessage, open_export
from secondme.memory.voice.evaluate import Picker, Report, evaluate, split
from secondme.memory.voice.learn import learn
from secondme.memory.voice.pairs import reply_pairs
from secondme.profiles import PROFILES
from secondme.profiles.personas import DEFAULT_PERSONAS

_CHATS = {
    "Lena Brandt": ("lena", "WhatsApp Chat with Mara Ruiz.txt"),
    "Viktor Hale": ("viktor", "_chat.txt"),
}


def everything(peers: Path | None) -> None:
    """The table of figures. Raises NotFound in an installation that came without it."""
    if find_spec("secondme.bench") is None:
        raise NotFound("This installation measures only the voice: `secondme bench voice`.")
    from importlib import import_module

    import_module("secondme.bench").run(peers)


def voice() -> None:
    """How near the offline mind comes to what the bundled chats' owners really said, on exchanges held out."""
    for me in _CHATS:
        print(me)
        for line in asyncio.run(_measure(me)).lines(shown=6):
            print(line)
        print()


async def _measure(me: str) -> Report:
    with as_file(files("secondme").joinpath("samples", *_CHATS[me])) as path:
        chat: list[ExportMessage] = list(open_export(path).messages())
    kept, held_out = split(list(reply_pairs(chat, me)))
    earlier = [message for message in chat if message.at < held_out[0].at]
    return await evaluate(kept, held_out, _offline(learn(earlier, me, True, DEFAULT_PERSONAS).persona))


def _offline(persona: Persona) -> Picker:
    """The offline mind, asked as the pipeline asks it."""
    mind, who, now = OfflineMind(), uuid5(NAMESPACE_URL, "contact"), datetime.now(UTC)
    account, contact = (
        Account("main", "simulator", PROFILES["clone"]),
        Contact(who, None, True, "friend", None),
    )

    async def pick(said: Sequence[str], examples: tuple[Example, ...]) -> str:
        heard = tuple(
            Message(uuid5(who, f"{n} {text}"), Kind.TEXT, text, now, now, n) for n, text in enumerate(said)
        )
        turn = Turn(who, account, who, who, who, 0, now, contact, heard, persona=persona, examples=examples)
        return "\n".join(part.text for part in (await mind.complete(turn)).parts)

    return pick
