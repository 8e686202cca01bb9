"""The schema, for migrations alone: statements are plain SQL in the files beside this one.

`contacts`, `identities`, `messages` and `summaries` carry the documented columns in snake_case (`user_id` is a
contact). Every `bytea` is sealed; `channel_user_key` and `source_message_id` are keyed digests, the real ones lie
sealed beside.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

metadata = MetaData()


def _moment(name: str, nullable: bool = True) -> Column[object]:
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _id() -> Column[object]:
    return Column("id", Uuid, primary_key=True)


def _ref(name: str, target: str, nullable: bool = False) -> Column[object]:
    return Column(name, Uuid, ForeignKey(target, ondelete="CASCADE"), nullable=nullable)


def _text(name: str, nullable: bool = False) -> Column[object]:
    return Column(name, Text, nullable=nullable)


def _sealed(name: str) -> Column[object]:
    return Column(name, LargeBinary, nullable=True)


accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    _text("channel"),
    _text("profile"),
    _text("takes"),
    Column("debounce", Interval, nullable=False),
    Column("debounce_cap", Interval, nullable=False),
    Column("content_window", Interval),
    Column("quote_after", Interval, nullable=False, server_default="00:00:10"),
    Column("quote_behind", Integer, nullable=False, server_default="1"),
    _text("scope", nullable=True),  # the business that it belongs to, as in provider_ids
)

keyring = Table("keyring", metadata, Column("name", Text, primary_key=True), _sealed("wrapped"))

contacts = Table(
    "contacts",
    metadata,
    _id(),
    _moment("created_at", nullable=False),
    Column("key", LargeBinary, nullable=False),
    _sealed("name"),
    Column("relationship", Text, nullable=False, server_default="acquaintance"),
    _text("persona_id", nullable=True),
)

identities = Table(
    "identities",
    metadata,
    _id(),
    _ref("user_id", "contacts.id"),
    _text("channel"),
    _text("channel_user_key"),
    _sealed("address"),
    _moment("created_at", nullable=False),
    _text("second_key", nullable=True),  # keyed: the provider's own id of somebody whose number is known too
    _sealed("second_address"),
    UniqueConstraint("channel", "channel_user_key"),
    UniqueConstraint("channel", "second_key"),
)

provider_ids = Table(
    "provider_ids",
    metadata,
    _id(),
    _ref("identity_id", "identities.id"),
    _text("scope"),  # the business whose id it is: each has one of its own for a person
    _text("key"),  # keyed, as second_key
    _sealed("address"),
    UniqueConstraint("identity_id", "scope"),
    Index("provider_ids_key", "key"),
)

conversations = Table(
    "conversations",
    metadata,
    _id(),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    _ref("identity_id", "identities.id"),
    _ref("user_id", "contacts.id"),
    _moment("created_at", nullable=False),
    Column("enabled", Boolean, nullable=False),
    _moment("due_at"),
    _moment("not_before"),  # backoff and holds: later messages do not wake it sooner
    Column("lease_token", Uuid),
    _moment("lease_until"),
    Column(
        "attempts", Integer, nullable=False, server_default="0"
    ),  # failures of the mind since the last commit
    Column(
        "claims", Integer, nullable=False, server_default="0"
    ),  # claims since the last commit: bounds crash loops
    _moment("last_inbound_at"),
    _moment("last_owner_at"),
    _moment("answered_until"),  # provider time of the newest answered message
    UniqueConstraint("account_id", "identity_id"),
    Index("conversations_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("conversations_user", "user_id"),
)

messages = Table(
    "messages",
    metadata,
    _id(),
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("user_id", Uuid, nullable=False),  # the conversation's, as is the next: its key leads to both
    Column("identity_id", Uuid, nullable=False),
    _ref("conversation_id", "conversations.id"),
    _text("account_id"),
    _moment("created_at", nullable=False),
    _moment("client_timestamp"),
    _text("direction"),
    _text("content_type"),
    _sealed("text"),
    _sealed("raw_payload"),
    _text("source_message_id"),
    _sealed("source"),  # the provider's real id
    Column("quotes", Uuid),
    _text("concerns", nullable=True),  # keyed id of what it edits, deletes or reacts to: that may come later
    _moment("edited_at"),
    Column("turn_id", Uuid),  # the Turn that has committed to answer it
    _text("outcome", nullable=True),
    _text("rule", nullable=True),
    _moment("settled_at"),
    _moment("replied_at"),
    _sealed("reply_text"),
    _moment("erased_at"),
    _moment(
        "learned_at"
    ),  # when the graph took in what it says, or it was passed over; empty: not looked at yet
    UniqueConstraint("account_id", "identity_id", "source_message_id"),
    Index("messages_user_created", "user_id", "created_at"),
    Index("messages_identity_created", "identity_id", "created_at"),
    Index("messages_user_replied", "user_id", "replied_at"),
    Index("messages_conversation", "conversation_id", "seq"),
    Index(
        "messages_waiting",
        "conversation_id",
        "created_at",
        postgresql_where=text("outcome IS NULL AND direction = 'incoming'"),
    ),
    Index("messages_unlearned", "seq", postgresql_where=text("learned_at IS NULL")),
    Index("messages_concerns", "conversation_id", "concerns", postgresql_where=text("concerns IS NOT NULL")),
    Index("messages_turn", "turn_id", postgresql_where=text("turn_id IS NOT NULL")),
    Index(
        "messages_content",
        "account_id",
        "created_at",
        postgresql_where=text("erased_at IS NULL OR reply_text IS NOT NULL OR source IS NOT NULL"),
    ),
    Index("messages_emptied", "created_at", postgresql_where=text("erased_at IS NOT NULL")),
)

summaries = Table(
    "summaries",
    metadata,
    _id(),
    _ref("user_id", "contacts.id"),
    _moment("range_start", nullable=False),
    _moment("range_end", nullable=False),
    _moment("created_at", nullable=False),
    _text("status"),
    _sealed("summary_text"),
    _text("model_name", nullable=True),
    _text("prompt_version", nullable=True),
    Column("input_messages_count", Integer, nullable=False, server_default="0"),
    _text("input_hash", nullable=True),
    _text("error", nullable=True),
    Index("summaries_user_range", "user_id", "range_start", "range_end"),
)

turns = Table(
    "turns",
    metadata,
    _id(),
    _ref("conversation_id", "conversations.id"),
    _ref("user_id", "contacts.id"),
    _moment("created_at", nullable=False),
    _text("rule"),
    _text("mind", nullable=True),
    Column("tokens", Integer, nullable=False, server_default="0"),
    Column("quotes_when_overtaken", Boolean, nullable=False),
    Column("timings", JSONB, nullable=False, server_default="{}"),
    _sealed("why"),
    Index("turns_conversation", "conversation_id", "created_at"),
    Index("turns_user", "user_id"),
    Index("turns_emptied", "created_at", postgresql_where=text("why IS NULL")),
)

spending = Table(
    "spending",
    metadata,
    Column("day", Date, nullable=False),  # of the owner's zone
    _text("mind"),
    _ref("user_id", "contacts.id", nullable=True),  # empty: for nobody in particular
    Column("tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("asks", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    UniqueConstraint("day", "mind", "user_id", postgresql_nulls_not_distinct=True),
    Index("spending_user", "user_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    _text("account_id"),
    _ref("conversation_id", "conversations.id"),
    _ref("user_id", "contacts.id"),
    _ref("turn_id", "turns.id"),
    _text("kind"),
    Column("part", Integer, nullable=False),
    _text("status"),  # planned → in_flight → sent | failed | uncertain; what was never sent may be withdrawn
    Column("answers", Uuid, nullable=False),
    Column("quotes", Uuid),
    _sealed("text"),
    _text("text_digest", nullable=True),
    _moment("created_at", nullable=False),
    _moment("not_before", nullable=False),
    Column("typing_ms", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _moment("in_flight_at"),
    _moment("in_flight_until"),
    _moment("sent_at"),
    _moment("settled_at"),
    _text("provider_message_id", nullable=True),
    _sealed("provider"),
    _text("progress", nullable=True),
    _text("error", nullable=True),
    _text("rule", nullable=True),  # why it failed, where the provider said so: its receipt's rule
    Index("deliveries_planned", "not_before", postgresql_where=text("status = 'planned'")),
    Index("deliveries_open", "conversation_id", postgresql_where=text("status IN ('planned', 'in_flight')")),
    Index("deliveries_conversation", "conversation_id", "seq"),
    Index("deliveries_turn", "turn_id"),
    Index("deliveries_user", "user_id"),
    Index("deliveries_provider", "account_id", "provider_message_id"),
)

delivery_answers = Table(
    "delivery_answers",
    metadata,
    Column("message_id", Uuid, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("part", Integer, primary_key=True),
    _ref("delivery_id", "deliveries.id"),
    Index("delivery_answers_delivery", "delivery_id"),
)

pauses = Table(
    "pauses",
    metadata,
    _id(),
    Column("epoch", BigInteger, Identity(always=True), nullable=False),
    _ref("user_id", "contacts.id", nullable=True),  # empty: everybody, on every account, also later ones
    _text("reason"),
    _moment("since", nullable=False),
    _moment("until"),
    _moment("lifted_at"),
    Index("pauses_user", "user_id"),
)

personas = Table(
    "personas",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("tone"),
    Column("applicable_to", ARRAY(Text), nullable=False),
    _sealed("style_guide"),
    _sealed("examples"),
    _sealed("style"),
    _moment("created_at", nullable=False),
    _moment("updated_at", nullable=False),
    UniqueConstraint("name"),
)

imports = Table(
    "imports",
    metadata,
    _id(),
    _moment("created_at", nullable=False),
    _text("digest"),
    _text("me"),  # keyed digest of the owner's name in it: one instance has one voice
    _text("partner"),  # keyed digest of the other side's name: forgetting them finds what came from there
    Column("messages", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default="done"),  # waiting, as long as memory learns from it
    Column("total", Integer, nullable=False, server_default="0"),  # messages that say anything
    Column("done", Integer, nullable=False, server_default="0"),  # of them, by memory
    Column("entities", Integer, nullable=False, server_default="0"),  # that memory knows from this chat
    Column("by_model", Boolean, nullable=False, server_default="false"),
    _text("audience", nullable=True),  # the contact whose chat it is, or the group
    _text("failure", nullable=True),  # why memory could not learn from it, in a sentence for the owner
    _sealed("file_key"),  # of the sealed chat; empty once it is done
    _sealed("tellers"),  # who each of its authors is
    _text("relationship", nullable=True),  # of its other side, as known when it was imported
    _sealed("lesson"),  # what it taught of the voice
    UniqueConstraint("digest"),
    Index("imports_waiting", "created_at", postgresql_where=text("state = 'waiting'")),
)

voice_examples = Table(
    "voice_examples",
    metadata,
    _id(),
    _ref("import_id", "imports.id"),
    _moment("at", nullable=False),
    _text("digest"),
    Column("cue", ARRAY(BigInteger), nullable=False),
    _sealed("text"),
    _ref("audience", "contacts.id", nullable=True),  # who alone may hear it again; empty: anyone
    UniqueConstraint("digest"),
    Index("voice_examples_import", "import_id"),
    Index("voice_examples_audience", "audience", postgresql_where=text("audience IS NOT NULL")),
)

tombstones = Table(
    "tombstones", metadata, Column("digest", Text, primary_key=True), _moment("expires_at", nullable=False)
)

kept_aside = Table(
    "kept_aside",
    metadata,
    _id(),
    _text("account_id"),
    _text("address", nullable=True),  # keyed digest of the sender's, where it could be read
    _moment("created_at", nullable=False),
    _text("error"),
    _sealed("payload"),
    _text("digest", nullable=True),  # keyed, of account, sender and payload: a redelivery is kept once
    UniqueConstraint("digest"),
)

settings = Table(
    "settings", metadata, Column("key", Text, primary_key=True), Column("value", JSONB, nullable=False)
)
