"""A mind that may use only so much: what a contact or a day may cost is held to. What wraps a mind is a mind.

An ask is let through while what is used and what is under way stay below the limit. So a limit is passed by one ask
at the most, and by what other processes use within the two seconds until that is seen.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from secondme.domain.errors import BudgetHeld, BudgetSpent
from secondme.domain.turn import Draft, Turn
from secondme.llm.guarded import FullMind
from secondme.llm.prompts import rough_tokens
from secondme.llm.providers import MOST_TOKENS
from secondme.llm.purse import Purse
from secondme.ports import Extraction, Question

Then = Literal["cheaper", "line", "silence", "person"]
CONTACT, DAY = "budget.contact", "budget.day"
_WAITS = 2.0  # seconds for what is under way to end, where it may use up the rest


@dataclass(frozen=True, slots=True)
class Limits:
    """Tokens a day of the owner's zone; None is no limit. `then`: what comes instead."""

    contact: int | None = None
    day: int | None = None
    then: Then = "line"


class Budgeted:
    """A FullMind that asks another one as long as the purse allows, then a cheaper one or nobody."""

    def __init__(
        self,
        mind: FullMind,
        purse: Purse,
        limits: Limits,
        cheaper: FullMind | None = None,
        *,
        waits: float = _WAITS,
    ) -> None:
        """`cheaper` may use as much again; both write what they use into the purse. `waits`: seconds until an ask
        gives up waiting for those under way."""
        self.name = mind.name
        self.limits = limits
        self._mind = mind
        self._cheaper = cheaper
        self._purse = purse
        self._waits = waits

    async def complete(self, turn: Turn) -> Draft:
        """Draft a reply.

        Raises BudgetSpent where nothing may be asked any more, BudgetHeld where that is not known yet, else MindFailed
        as the mind does.
        """
        contact, tokens = turn.contact.id, rough_tokens(turn) + MOST_TOKENS
        rule = await self._begin(contact, tokens)
        if rule is None:
            return await self._ask(lambda: self._mind.complete(turn), contact, tokens)
        cheaper = self._cheaper
        if cheaper is not None and await self._begin(contact, tokens, times=2) is None:
            draft = await self._ask(lambda: cheaper.complete(turn), contact, tokens)
            return replace(draft, rule=rule)
        raise BudgetSpent(rule, await self._instead(contact))

    async def extract[T: BaseModel](self, schema: type[T], question: Question) -> Extraction[T]:
        """Fill in a form. Raises BudgetSpent, whatever else is set: a form can wait. Else as `complete` does."""
        contact, tokens = question.contact_id, MOST_TOKENS
        rule = await self._begin(contact, tokens)
        if rule is not None:
            raise BudgetSpent(rule, "silence")
        return await self._ask(lambda: self._mind.extract(schema, question), contact, tokens)

    async def close(self) -> None:
        await self._purse.pay()
        await self._mind.close()
        if self._cheaper is not None:
            await self._cheaper.close()

    async def _ask[R](self, ask: Callable[[], Awaitable[R]], contact: UUID | None, tokens: int) -> R:
        """Ask, and keep the promise until what it used is owed. One that is cancelled is paid with the next."""
        try:
            answer = await ask()
        except Exception:
            self._purse.release(contact, tokens)
            await self._purse.pay()
            raise
        except BaseException:
            self._purse.release(contact, tokens)
            raise
        self._purse.release(contact, tokens)
        await self._purse.pay()
        return answer

    async def _begin(self, contact: UUID | None, tokens: int, *, times: int = 1) -> str | None:
        """None, with `tokens` promised, or the rule whose limit (`times` over) is used up.

        What is under way and may use up the rest is waited for, a while. Raises BudgetHeld if that does not end in
        time: its promise is the most that it can use, and mostly many times what it will. Raises StoreUnavailable.
        """
        if self.limits.contact is not None or self.limits.day is not None:
            ends = time.monotonic() + self._waits
            while True:
                await self._purse.look(contact)
                rule, waits = self._over(contact, times)
                if rule is None:
                    break
                if not waits:
                    return rule
                if not await self._purse.changed(ends):
                    raise BudgetHeld(rule)
        self._purse.promise(contact, tokens)
        return None

    def _over(self, contact: UUID | None, times: int) -> tuple[str | None, bool]:
        """The rule whose limit is reached, and whether only what is under way reaches it."""
        held = [(CONTACT, self.limits.contact, contact)] if contact is not None else []
        for rule, limit, who in (*held, (DAY, self.limits.day, None)):
            if limit is None:
                continue
            if (used := self._purse.used(who)) >= limit * times:
                return rule, False
            if used + self._purse.under_way(who) >= limit * times:
                return rule, True
        return None, False

    async def _instead(self, contact: UUID) -> str:
        """What comes now; `pause` once the contact knows that a person takes over."""
        if self.limits.then == "person":
            return "pause" if await self._purse.handed_over(contact) else "person"
        return "line" if self.limits.then == "cheaper" else self.limits.then
