"""The shapes of the API: what it answers, and what it takes. JSON names are in camelCase, times ISO 8601 in UTC."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

type Mark = Literal["done", "open", "no", "doubt"]
type Teller = Literal["owner", "contact", "other"]


class Shape(BaseModel):
    """One JSON object."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class AccountView(Shape):
    """One account. `window_hours`: its provider allows free text only so long after a contact's last message."""

    id: str
    channel: str
    profile: str
    new_contacts_enabled: bool
    owner_word_pause_minutes: int | None
    window_hours: int | None


class PersonaView(Shape):
    id: str
    name: str


class StoppedView(Shape):
    since: datetime


class StateView(Shape):
    """How things stand. `receipts` counts endings of the last 24 hours by `outcome rule`.

    `troubles`: what keeps the services from hearing, answering or sending, in a few words each.
    `voice_owner` is whose chat was learned from last, as it names them; `voice_invented`: it came with SecondMe.
    """

    accounts: list[AccountView]
    mind: str
    offline: bool
    stopped: StoppedView | None
    troubles: list[str]
    timezone: str
    now: datetime
    counts: dict[str, int]
    receipts: dict[str, int]
    personas: list[PersonaView]
    relationships: list[str]
    own_voice: bool
    voice_owner: str | None
    voice_invented: bool
    kept_replies: int


class PersonView(Shape):
    """One contact on one account. `name` is what they call themselves: untrusted, as is `preview`.

    `window_until` is when free text to them ceases, or ceased, to be allowed, where the account has a window; None
    there: they have never written.
    """

    conversation_id: UUID
    contact_id: UUID
    account: str
    name: str | None
    address: str
    relationship: str
    persona_id: str | None
    enabled: bool
    state: Literal["disabled", "enabled", "paused"]
    paused_until: datetime | None
    pause_reason: str | None
    last_at: datetime | None
    preview: str | None
    preview_by: Literal["contact", "bot", "owner"] | None
    unread: int
    typing: bool
    window_until: datetime | None


class PeopleView(Shape):
    people: list[PersonView]


class BubbleView(Shape):
    """One line of a thread. `text` None: erased. `seen`: the other side's phone shows it as read by us.

    `ordered`: the owner had it sent by a command.
    """

    id: str
    ref: str | None
    incoming: bool
    by: Literal["contact", "bot", "owner"]
    text: str | None
    kind: str
    at: datetime
    quotes: str | None
    status: str
    rule: str | None
    reason: str | None
    edited: bool
    ordered: bool
    seen: bool


class HeldView(Shape):
    """What waits there is held back until then; `reason` in a few words."""

    until: datetime
    reason: str


class ConversationView(Shape):
    person: PersonView
    bubbles: list[BubbleView]
    typing: bool
    held: HeldView | None


class StepView(Shape):
    """One step of a message's journey. `after_ms` counts from its arrival; `note` is detail beside the label."""

    label: str
    note: str | None = None
    at: datetime | None = None
    after_ms: int | None = None
    mark: Mark = "done"


class OwnWordsView(Shape):
    """A reply of the owner's that was looked at; `said`: it was said again, word for word."""

    text: str
    said: bool
    closeness: float
    at: datetime | None


class KnownView(Shape):
    """A fact that a mind was shown, as it is now. `text` None: it is forgotten, or memory does not answer.

    `by` is who said it; the contact is the one who was answered.
    """

    id: str
    closeness: float
    text: str | None = None
    by: Teller | None = None
    said_at: datetime | None = None
    until: datetime | None = None


class WhyView(Shape):
    """The receipt of one inbound message, and of what was said to it.

    `memory_answers`: whether what stands in `known` could be looked up.
    """

    message_id: UUID
    conversation_id: UUID
    outcome: str | None
    rule: str | None
    summary: str
    sentence: str | None
    steps: list[StepView]
    own_words: list[OwnWordsView]
    own_words_erased: bool
    known: list[KnownView]
    memory_answers: bool
    answers: int
    mind: str | None
    offline: bool
    persona: str | None
    tokens: int
    overtaken: bool
    settled_at: datetime | None


class PhoneMessage(Shape):
    """What a simulated phone sends: the gateway's own body. `message_id` makes sending it again harmless."""

    from_: str = Field(alias="from", min_length=1, max_length=200)
    name: str | None = Field(None, max_length=100)
    text: str | None = Field(None, max_length=20_000)
    account: str | None = None
    from_me: bool = False
    reply_to: str | None = Field(None, max_length=300)
    edits: str | None = Field(None, max_length=300)
    deletes: str | None = Field(None, max_length=300)
    reacts_to: str | None = Field(None, max_length=300)
    message_id: str | None = Field(None, max_length=100)


class TakenView(Shape):
    message_id: str
    conversation_id: UUID | None


class PauseBody(Shape):
    """How long, in minutes; without it until resumed."""

    minutes: int | None = Field(None, ge=1, le=60 * 24 * 366)


class RelationshipBody(Shape):
    relationship: str
    persona_id: str | None = None


class LeavingView(Shape):
    """A delivery that nobody could call back."""

    delivery_id: UUID
    conversation_id: UUID | None
    name: str | None


class PressedView(Shape):
    """What a press did. `committed` False: held, not committed."""

    committed: bool
    since: datetime
    silenced: int
    leaving: list[LeavingView]


class ResumedView(Shape):
    lifted: int


class ReadView(Shape):
    marked: int


class SampleView(Shape):
    name: str
    file: str
    me: str
    about: str


class SampleBody(Shape):
    """Which chat, and what the owner says of it. `contact`: who the other one is."""

    name: str
    keep_voice: bool
    contact: UUID | None = None
    relationship: str | None = None


class RememberedView(Shape):
    """How far memory has come with an import: waiting, done or failed, then with the reason; counts of messages, and
    of the people, companies, topics, events and places that are known from them."""

    state: str
    total: int
    done: int
    entities: int
    failure: str | None


class InspectedView(Shape):
    """What a chat export holds: messages by author, and how it is written."""

    file: str
    authors: dict[str, int]
    layout: str | None
    messages: int
