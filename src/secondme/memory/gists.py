"""How what messages say is found out: by rules, or by a mind where one may be asked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from uuid import UUID

from secondme.domain.fact import Gist
from secondme.memory import extract
from secondme.observe.logs import get_logger
from secondme.ports import Extractor

log = get_logger(__name__)
_AT_ONCE = 8  # calls
_TOGETHER = 20  # messages in one call


@dataclass(frozen=True, slots=True)
class Said:
    """A message to be read. `at` is the owner's local time, by which `tomorrow` is meant; `id` is for the log."""

    id: str
    text: str = field(repr=False)
    at: datetime
    by_owner: bool
    contact_id: UUID | None  # on whose budget a mind is asked


Reads = Callable[[Sequence[Said]], Awaitable[list[Gist]]]
Rule = Callable[[str, datetime], Gist]


def by_rules(rule: Rule) -> Reads:
    """Reads by rules, in a thread. What the rules stumble over says nothing, and is named in the log."""

    def one(said: Said) -> Gist:
        try:
            return rule(said.text, said.at)
        except Exception as error:  # whatever somebody wrote: the next message is read all the same
            log.exception("gist.unreadable", message_id=said.id, error=type(error).__name__)
            return Gist()

    async def read(several: Sequence[Said]) -> list[Gist]:
        return await asyncio.to_thread(lambda: [one(said) for said in several])

    return read


def by_mind(extractor: Extractor) -> Reads:
    """Reads by a mind, several people's messages at once, each on its contact's budget; what fails goes by rules."""

    async def read(several: Sequence[Said]) -> list[Gist]:
        gists, door = [Gist()] * len(several), asyncio.Semaphore(_AT_ONCE)

        async def ask(places: Sequence[int], contact_id: UUID | None) -> None:
            batch = [extract.Utterance(several[place].text, several[place].at) for place in places]
            async with door:
                found = await extract.read_with(extractor, batch, contact_id)
            for place, gist in zip(places, found, strict=True):
                gists[place] = gist

        by_contact: dict[UUID | None, list[int]] = {}
        for place, said in enumerate(several):
            by_contact.setdefault(said.contact_id, []).append(place)
        asking = [
            asyncio.create_task(ask(some, contact_id))
            for contact_id, places in by_contact.items()
            for some in batched(places, _TOGETHER)
        ]
        try:
            await asyncio.gather(*asking)
        finally:
            for task in asking:  # where one of them failed, nobody waits for the others
                task.cancel()
        return gists

    return read


def reader(extractor: Extractor | None, by_model: bool) -> Reads:
    """How messages are read. Where no model is, or none may be asked: by rules."""
    return by_mind(extractor) if extractor is not None and by_model else by_rules(extract.read)
