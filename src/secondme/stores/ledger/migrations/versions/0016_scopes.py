"""scopes: what is said to somebody by a business' own id of them leaves from that business alone"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_LANGUAGE = "LANGUAGE plpgsql VOLATILE SET plan_cache_mode = 'force_generic_plan'"

# An id of somebody that another business was given leads nowhere from here, or to somebody else. Nothing is held back
# where there is a number, where no id was noted, or where nobody has said yet to which business the account belongs.
_AT_HOME = """
        AND (SELECT bool_and(b.scope <> o.scope) FROM provider_ids b
          WHERE b.identity_id = i.id AND b.key = i.channel_user_key) IS NOT TRUE"""

PASS_FENCES = f"""
CREATE OR REPLACE FUNCTION pass_fences(
  wanted uuid[], contacts_ uuid[], until_ timestamptz[], open_since_ timestamptz[], moment timestamptz,
  stale timestamptz)
RETURNS TABLE (delivery uuid, kind_ text, text_ bytea, about uuid, source_ bytea, answers_ uuid, typing int,
  identity uuid, key_ bytea, address_ bytea, mind_ text, tokens_ int, arrived timestamptz, alone boolean,
  more boolean) {_LANGUAGE} AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7103003, 0);
  PERFORM pg_advisory_xact_lock_shared(7103004, hashtext(x::text)) FROM unnest(contacts_) AS x;
  RETURN QUERY WITH picked AS MATERIALIZED (
      SELECT d.id, w.until, CASE
          WHEN d.quotes IS NOT NULL OR d.kind <> 'text' OR d.part > 1 OR NOT t.quotes_when_overtaken THEN d.quotes
          WHEN moment - m.created_at > o.quote_after OR (
            SELECT count(*) FROM messages x WHERE x.conversation_id = c.id AND x.direction = 'incoming'
              AND x.seq > m.seq AND x.content_type NOT IN ('edit', 'deletion', 'reaction', 'system')) > o.quote_behind
            THEN d.answers
          ELSE NULL END AS quotes,
        i.id AS identity, k.key, i.address, t.mind, t.tokens, m.created_at AS arrived
      FROM unnest(wanted, until_, open_since_) AS w (id, until, open_since)
      JOIN deliveries d ON d.id = w.id JOIN conversations c ON c.id = d.conversation_id
      JOIN contacts k ON k.id = d.user_id JOIN identities i ON i.id = c.identity_id
      JOIN turns t ON t.id = d.turn_id JOIN messages m ON m.id = d.answers JOIN accounts o ON o.id = c.account_id
      WHERE d.status = 'planned' AND d.not_before > stale AND c.enabled
        AND (c.last_owner_at IS NULL OR c.last_owner_at < d.created_at OR d.kind IN ('template', 'media'))
        AND (w.open_since IS NULL OR d.kind NOT IN ('text', 'media') OR c.last_inbound_at > w.open_since)
        AND NOT EXISTS (SELECT 1 FROM pauses p WHERE (p.user_id IS NULL OR p.user_id = d.user_id)
          AND coalesce(least(p.until, p.lifted_at), 'infinity') > least(m.created_at, moment))
        AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.conversation_id = c.id AND e.seq < d.seq
          AND e.status IN ('planned', 'in_flight')){_AT_HOME}
      ORDER BY d.conversation_id FOR NO KEY UPDATE OF d SKIP LOCKED)
    UPDATE deliveries d SET status = 'in_flight', in_flight_at = moment, in_flight_until = p.until,
      attempts = d.attempts + 1, quotes = p.quotes
    FROM picked p WHERE d.id = p.id
    RETURNING d.id, d.kind, d.text, CASE WHEN d.kind IN ('typing', 'read') THEN d.answers ELSE d.quotes END,
      (SELECT s.source FROM messages s
        WHERE s.id = CASE WHEN d.kind IN ('typing', 'read') THEN d.answers ELSE d.quotes END),
      d.answers, d.typing_ms, p.identity, p.key, p.address, p.mind, p.tokens, p.arrived,
      d.kind = 'text' AND (SELECT count(*) FROM deliveries x
        WHERE x.turn_id = d.turn_id AND x.answers = d.answers AND x.kind = 'text') = 1,
      EXISTS (SELECT 1 FROM deliveries x
        WHERE x.conversation_id = d.conversation_id AND x.seq > d.seq AND x.status = 'planned');
END $$
"""


def upgrade() -> None:
    op.add_column("accounts", sa.Column("scope", sa.Text, nullable=True))
    op.execute(PASS_FENCES)


def downgrade() -> None:
    op.execute(PASS_FENCES.replace(_AT_HOME, ""))
    op.drop_column("accounts", "scope")
