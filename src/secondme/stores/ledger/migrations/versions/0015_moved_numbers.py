"""moved numbers: who is losing one just then is not written to by it"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# No EXISTS: the planner would rather read everybody's open deliveries once than this conversation's.
_PLANNED = """(SELECT d.id FROM deliveries d WHERE d.conversation_id = c.id AND d.status IN ('planned', 'in_flight')
  LIMIT 1) IS NOT NULL"""
_WAITING = """(SELECT m.created_at FROM messages m WHERE m.conversation_id = c.id AND m.direction = 'incoming'
  AND m.outcome IS NULL AND m.turn_id IS NULL ORDER BY m.created_at"""
_STIRS = f"a.takes = 'burst' AND (c.lease_token IS NOT NULL OR {_PLANNED})"
_EDITED = "e.content_type IN ('edit', 'deletion')"

_MOVED = """  IF moved_ IS NOT NULL AND (EXISTS (SELECT 1 FROM tombstones) OR moved_ <> coalesce(
      (SELECT s.value::text::bigint FROM settings s WHERE s.key = 'numbers_moved'), 0)) THEN
    RETURN;
  END IF;
"""
_LOCKED = """  SELECT count(*) INTO held FROM (
    SELECT 1 FROM conversations c WHERE c.id = ANY(conversations_) ORDER BY c.id FOR UPDATE) l;
  IF held < (SELECT count(DISTINCT x) FROM unnest(conversations_) AS x) THEN
    IF moved_ IS NOT NULL THEN
      RETURN;
    END IF;
    RAISE EXCEPTION 'a conversation is no more' USING ERRCODE = 'foreign_key_violation';
  END IF;
"""

# See ingest.write. `moved_` is NULL where the caller does the rest; else nothing is written where there is more to do.
# Each statement has a snapshot of its own: those after the lock see what was committed before it. Whoever takes a
# number from somebody holds the locks of their conversations until that is committed, so it is seen as well.
# What recompute means where new messages are all that happened: the statement does not see its own rows, so they count
# as created at `moment`. Leases and plans that a burst may send back are named, for due.revoke and due.withdraw.
WRITE_MESSAGES = f"""
CREATE OR REPLACE FUNCTION write_messages(
  moved_ bigint, moment timestamptz, ids uuid[], conversations_ uuid[], said timestamptz[], kinds text[],
  texts bytea[], raws bytea[], digests text[], sources bytea[], quoted text[])
RETURNS TABLE (fresh uuid[], early uuid[], stirred uuid[]) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  held bigint;
BEGIN
{_LOCKED}{_MOVED}  IF moved_ IS NOT NULL AND (
      EXISTS (SELECT 1 FROM conversations c JOIN accounts a ON a.id = c.account_id
        WHERE c.id = ANY(conversations_) AND {_STIRS})
      OR EXISTS (SELECT 1 FROM unnest(conversations_, digests) AS x (conversation, digest)
        JOIN messages e ON e.conversation_id = x.conversation AND e.concerns = x.digest AND {_EDITED})) THEN
    RETURN;
  END IF;
  RETURN QUERY WITH new AS (
    INSERT INTO messages (id, user_id, identity_id, conversation_id, account_id, created_at, client_timestamp,
        direction, content_type, text, raw_payload, source_message_id, source, quotes)
      SELECT n.id, c.user_id, c.identity_id, c.id, c.account_id, moment, least(n.said, moment), 'incoming', n.kind,
        n.text, n.raw, n.digest, n.source,
        CASE WHEN n.quotes IS NULL THEN NULL ELSE (
          SELECT q.id FROM messages q
          WHERE q.conversation_id = n.conversation AND q.source_message_id = n.quotes
          UNION ALL SELECT d.id FROM deliveries d
          WHERE d.conversation_id = n.conversation AND d.provider_message_id = n.quotes LIMIT 1) END
      FROM unnest(ids, conversations_, said, kinds, texts, raws, digests, sources, quoted) WITH ORDINALITY
        AS n (id, conversation, said, kind, text, raw, digest, source, quotes, place)
      JOIN conversations c ON c.id = n.conversation
      ORDER BY n.place
      ON CONFLICT (account_id, identity_id, source_message_id) DO NOTHING
      RETURNING id, conversation_id, source_message_id, client_timestamp),
    woken AS (
      UPDATE conversations c SET last_inbound_at = greatest(c.last_inbound_at, came.said),
        due_at = CASE WHEN {_PLANNED} THEN NULL ELSE greatest(c.not_before, CASE a.takes
          WHEN 'burst' THEN least(greatest({_WAITING} DESC LIMIT 1), moment) + a.debounce,
                                  least({_WAITING} LIMIT 1), moment) + a.debounce_cap)
          ELSE least({_WAITING} LIMIT 1), moment) + a.debounce END) END
      FROM (SELECT w.conversation_id, max(w.client_timestamp) AS said FROM new w GROUP BY 1) came, accounts a
      WHERE c.id = came.conversation_id AND a.id = c.account_id
      RETURNING c.id, moved_ IS NULL AND {_STIRS} AS stirs)
    SELECT coalesce(array_agg(w.id), '{{}}'),
      coalesce(array_agg(w.id) FILTER (WHERE moved_ IS NULL AND EXISTS (
        SELECT 1 FROM messages e WHERE e.conversation_id = w.conversation_id AND e.concerns = w.source_message_id
          AND {_EDITED})), '{{}}'),
      coalesce((SELECT array_agg(k.id) FROM woken k WHERE k.stirs), '{{}}')
    FROM new w;
END $$
"""


def upgrade() -> None:
    op.execute(WRITE_MESSAGES)


def downgrade() -> None:
    op.execute(WRITE_MESSAGES.replace(_LOCKED + _MOVED, _MOVED + _LOCKED))
