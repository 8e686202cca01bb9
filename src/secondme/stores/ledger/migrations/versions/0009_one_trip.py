"""one trip: a group of new messages is one call, a transaction of its own where that is all, and so is a claim"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# No EXISTS: the planner would rather read everybody's open deliveries once than this conversation's.
_PLANNED = """(SELECT d.id FROM deliveries d WHERE d.conversation_id = c.id AND d.status IN ('planned', 'in_flight')
  LIMIT 1) IS NOT NULL"""
_WAITING = """(SELECT m.created_at FROM messages m WHERE m.conversation_id = c.id AND m.direction = 'incoming'
  AND m.outcome IS NULL AND m.turn_id IS NULL ORDER BY m.created_at"""
_STIRS = f"a.takes = 'burst' AND (c.lease_token IS NOT NULL OR {_PLANNED})"
_EDITED = "e.content_type IN ('edit', 'deletion')"

# See ingest.write. `moved_` is NULL where the caller does the rest; else nothing is written where there is more to do.
# Each statement has a snapshot of its own: those after the lock see what was committed before it.
# What recompute means where new messages are all that happened: the statement does not see its own rows, so they count
# as created at `moment`. Leases and plans that a burst may send back are named, for due.revoke and due.withdraw.
WRITE_MESSAGES = f"""
CREATE FUNCTION write_messages(
  moved_ bigint, moment timestamptz, ids uuid[], conversations_ uuid[], said timestamptz[], kinds text[],
  texts bytea[], raws bytea[], digests text[], sources bytea[], quoted text[])
RETURNS TABLE (fresh uuid[], early uuid[], stirred uuid[]) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  held bigint;
BEGIN
  IF moved_ IS NOT NULL AND (EXISTS (SELECT 1 FROM tombstones) OR moved_ <> coalesce(
      (SELECT s.value::text::bigint FROM settings s WHERE s.key = 'numbers_moved'), 0)) THEN
    RETURN;
  END IF;
  SELECT count(*) INTO held FROM (
    SELECT 1 FROM conversations c WHERE c.id = ANY(conversations_) ORDER BY c.id FOR UPDATE) l;
  IF held < (SELECT count(DISTINCT x) FROM unnest(conversations_) AS x) THEN
    IF moved_ IS NOT NULL THEN
      RETURN;
    END IF;
    RAISE EXCEPTION 'a conversation is no more' USING ERRCODE = 'foreign_key_violation';
  END IF;
  IF moved_ IS NOT NULL AND (
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

# See turns.claim: who is due is leased, and then, in a statement that sees what was committed before the lease, read.
# A row for each message that waits there, with how many had come within the minute that ended with it; what came after
# it within the same microsecond is not counted. A last row, without a conversation, says when the next is due.
CLAIM_DUE = """
CREATE FUNCTION claim_due(
  moment timestamptz, most int, lease_end timestamptz, accounts_ text[], burst int, since_ timestamptz)
RETURNS TABLE (conversation uuid, account text, token uuid, tries int, claims_ int, identity uuid, contact uuid,
  allowed boolean, answered timestamptz, key_ bytea, name_ bytea, relation text, persona text,
  pause_ids uuid[], pause_contacts uuid[], reasons text[], begun timestamptz[], untils timestamptz[],
  lifted timestamptz[], message uuid, kind text, text_ bytea, arrived timestamptz, said timestamptz, place bigint,
  recent bigint, next_due timestamptz)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = 'force_generic_plan' AS $$
DECLARE
  held uuid[];
BEGIN
  WITH picked AS (
      SELECT v.id FROM conversations v
      WHERE v.due_at <= moment AND (v.lease_until IS NULL OR v.lease_until <= moment) AND v.account_id = ANY(accounts_)
      ORDER BY v.due_at LIMIT most FOR UPDATE SKIP LOCKED),
    leased AS (
      UPDATE conversations c SET lease_token = gen_random_uuid(), lease_until = lease_end, claims = c.claims + 1
      FROM picked WHERE c.id = picked.id RETURNING c.id)
    SELECT array_agg(l.id) INTO held FROM leased l;
  IF held IS NOT NULL THEN
    RETURN QUERY WITH waiting AS MATERIALIZED (
        SELECT w.* FROM unnest(held) AS v (id) CROSS JOIN LATERAL (
          SELECT m.id, m.conversation_id, m.content_type, m.text, m.created_at, m.client_timestamp, m.seq
          FROM messages m WHERE m.conversation_id = v.id AND m.direction = 'incoming' AND m.outcome IS NULL
            AND m.turn_id IS NULL ORDER BY m.client_timestamp, m.seq LIMIT burst) w),
      span AS (
        SELECT w.conversation_id, min(w.created_at) - interval '60 s' AS since, max(w.created_at) AS until
        FROM waiting w GROUP BY w.conversation_id),
      counted AS (
        SELECT x.id, count(*) OVER (PARTITION BY x.conversation_id ORDER BY x.created_at
            RANGE BETWEEN '59.999999 s' PRECEDING AND CURRENT ROW)
          - count(*) OVER (PARTITION BY x.conversation_id, x.created_at ORDER BY x.seq
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS recent
        FROM span s JOIN messages x ON x.conversation_id = s.conversation_id
          AND x.created_at > s.since AND x.created_at <= s.until AND x.direction = 'incoming'
          AND x.content_type NOT IN ('edit', 'deletion', 'reaction', 'system'))
      SELECT c.id, c.account_id, c.lease_token, c.attempts, c.claims, c.identity_id, c.user_id, c.enabled,
        c.answered_until, k.key, k.name, k.relationship, k.persona_id, p.ids, p.contacts, p.reasons, p.begun, p.untils,
        p.lifted, w.id, w.content_type, w.text, w.created_at, w.client_timestamp, w.seq, coalesce(n.recent, 0),
        NULL::timestamptz
      FROM unnest(held) AS v (id) JOIN conversations c ON c.id = v.id JOIN contacts k ON k.id = c.user_id
      CROSS JOIN LATERAL (
        SELECT array_agg(o.id) AS ids, array_agg(o.user_id) AS contacts, array_agg(o.reason) AS reasons,
          array_agg(o.since) AS begun, array_agg(o.until) AS untils, array_agg(o.lifted_at) AS lifted
        FROM pauses o WHERE (o.user_id IS NULL OR o.user_id = c.user_id)
          AND coalesce(least(o.until, o.lifted_at), 'infinity') > since_) p
      LEFT JOIN waiting w ON w.conversation_id = c.id LEFT JOIN counted n ON n.id = w.id
      ORDER BY c.due_at, c.id, w.client_timestamp, w.seq;
  END IF;
  RETURN QUERY SELECT NULL::uuid, NULL, NULL::uuid, NULL::int, NULL::int, NULL::uuid, NULL::uuid, NULL::boolean,
      NULL::timestamptz, NULL::bytea, NULL::bytea, NULL, NULL, NULL::uuid[], NULL::uuid[], NULL::text[],
      NULL::timestamptz[], NULL::timestamptz[], NULL::timestamptz[], NULL::uuid, NULL, NULL::bytea, NULL::timestamptz,
      NULL::timestamptz, NULL::bigint, NULL::bigint, c.due_at
    FROM conversations c WHERE c.due_at IS NOT NULL AND c.account_id = ANY(accounts_)
      AND (c.lease_until IS NULL OR c.lease_until <= moment)
    ORDER BY c.due_at LIMIT 1;
END $$
"""


def upgrade() -> None:
    op.execute(WRITE_MESSAGES)
    op.execute(CLAIM_DUE)


def downgrade() -> None:
    op.execute("DROP FUNCTION write_messages")
    op.execute("DROP FUNCTION claim_due")
