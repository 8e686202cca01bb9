"""Pauses: who must not be answered, since when, until when. The effective state is computed, never stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class PauseReason(StrEnum):
    """Why a pause began; it names the rule in the receipt."""

    SWITCH = "switch"  # pause all
    MANUAL = "manual"  # pause CONTACT
    OWNER_WORD = "owner_word"  # the owner wrote to the contact
    RATE_LIMIT = "rate_limit"
    BUDGET = "budget"  # spent, and a person takes over


class ContactState(StrEnum):
    """The documented contact state machine."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause. `contact_id` None covers everybody; `until` None lasts until it is lifted."""

    id: UUID
    contact_id: UUID | None
    reason: PauseReason
    since: datetime
    until: datetime | None
    lifted_at: datetime | None = None

    @property
    def ends(self) -> datetime | None:
        """When it stops to count; None while open-ended."""
        ends = [moment for moment in (self.until, self.lifted_at) if moment is not None]
        return min(ends, default=None)

    def covers(self, contact_id: UUID) -> bool:
        return self.contact_id is None or self.contact_id == contact_id

    def active(self, now: datetime) -> bool:
        """An open end or an end in the future holds; a start in the future (a clock set back) holds too.

        What was lifted is over, whatever the clock says.
        """
        return self.lifted_at is None and (self.until is None or now < self.until)

    def met_by(self, arrived: datetime, now: datetime) -> bool:
        """Whether a message that arrived then, and waits until now, met this pause at any moment."""
        if self.active(now):
            return True
        return self.ends is not None and arrived < self.ends


def effective_state(enabled: bool | None, pauses: Iterable[Pause], now: datetime) -> ContactState:
    """The state that counts: unknown (None) means disabled; any active pause, one's own or everybody's, pauses.

    A global pause overrides and, once lifted, restores: it never touches `enabled`.
    """
    if not enabled:
        return ContactState.DISABLED
    if any(pause.active(now) for pause in pauses):
        return ContactState.PAUSED
    return ContactState.ENABLED
