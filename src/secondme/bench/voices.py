"""How near the offline mind comes to what the owners of the bundled chats really said, on exchanges held out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import as_file, files
from statistics import fmean
from uuid import NAMESPACE_URL, uuid5

from secondme.bench.lab import Lab
from secondme.bench.rows import Row
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

OWNERS = {
    "Lena Brandt": ("lena", "WhatsApp Chat with Mara Ruiz.txt"),
    "Viktor Hale": ("viktor", "_chat.txt"),
}


async def measure(lab: Lab) -> list[Row]:
    """One row an owner."""
    return [_row(owner, await report(owner)) for owner in OWNERS]


async def report(owner: str) -> Report:
    """The measure of one of OWNERS: learned from the earlier exchanges, asked about the later ones."""
    with as_file(files("secondme").joinpath("samples", *OWNERS[owner])) as path:
        chat: list[ExportMessage] = list(open_export(path).messages())
    kept, held_out = split(list(reply_pairs(chat, owner)))
    earlier = [message for message in chat if message.at < held_out[0].at]
    return await evaluate(kept, held_out, _offline(learn(earlier, owner, True, DEFAULT_PERSONAS).persona))


def _row(owner: str, found: Report) -> Row:
    near, chance = fmean(s.near for s in found.samples), fmean(s.chance for s in found.samples)
    return Row(
        f"Voice: nearness of the offline mind to {owner}",
        near,
        bar=chance,
        against="a random own reply",
        wanted="margin > 0",
        met=found.won,
        note=f"margin {found.margin:+.3f}, 95 % interval {found.low:+.3f} to {found.high:+.3f};"
        f" {len(found.samples)} held out of {len(found.samples) + found.learned}",
        detail={"margin": found.margin, "low": found.low, "high": found.high, "failed": found.failed},
    )


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
