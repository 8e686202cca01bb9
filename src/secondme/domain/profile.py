"""How an account behaves, as a value. Clone, support and journal are three values of one type."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Takes(StrEnum):
    """What one Turn answers."""

    BURST = "burst"  # everything that waits, together
    OLDEST = "oldest"  # one message at a time, oldest first


class OnRateLimit(StrEnum):
    """What happens when a contact writes more than `rate_limit` messages within a minute."""

    PAUSE = "pause"  # end silent and pause the contact for an hour
    THROTTLE = "throttle"  # hold until the minute has room again


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything in which clone, support and journal differ."""

    name: str
    takes: Takes
    debounce: timedelta  # quiet time after the last message before a Turn begins
    debounce_cap: timedelta  # longest wait since the first unanswered message
    new_contacts_enabled: bool
    rate_limit: int  # messages a minute and contact; 0 = off
    on_rate_limit: OnRateLimit
    owner_word_pause: timedelta | None  # the owner's own message pauses the contact for so long
    answer_within: timedelta  # what was sent longer ago is no longer answered
    content_window: (
        timedelta | None
    )  # content goes so long after the receipt; None: SECONDME_RETENTION decides
    when_mind_fails: str | None  # what is said when the mind fails for good; None is silence
    says_when_offline: (
        str | None
    )  # a fixed line in place of a mind where none is configured; None: the owner's voice
    quotes_when_overtaken: (
        bool  # the contextual rule: quote what is answered when the talk has moved on, that is
    )
    quote_after: timedelta  # when its answer leaves longer than this after it arrived,
    quote_behind: int  # or when more messages than this have come after it
    recalls: int  # messages of the conversation that a mind is shown beside those it answers
    facts: int  # of what is known and they may hear, at most so many are shown to a mind
    recall_tokens: (
        int  # for what was said before, then facts, then examples; a token is three characters here
    )
    keeps_quiet_hours: bool
    prompt: str  # name of the file in llm/prompts/


@dataclass(frozen=True, slots=True)
class Account:
    """One number on one channel, served by one profile."""

    id: str
    channel: str
    profile: Profile
    scope: str = ""  # the business that it belongs to: a provider's own ids of people compare only within one
