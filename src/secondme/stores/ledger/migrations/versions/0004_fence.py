"""The fence in one trip: what a group of Turns, of fences or of sends does, as functions of the ledger."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_LANGUAGE = "LANGUAGE plpgsql VOLATILE SET plan_cache_mode = 'force_generic_plan'"

# When conversations are due: see due.recompute, which calls it.
RECOMPUTE = f"""
CREATE FUNCTION recompute(wanted uuid[]) RETURNS TABLE (conversation uuid, due timestamptz) {_LANGUAGE} AS $$
BEGIN
  RETURN QUERY UPDATE conversations c SET
      due_at = CASE WHEN w.due IS NULL OR EXISTS (
          SELECT 1 FROM deliveries d WHERE d.conversation_id = c.id AND d.status IN ('planned', 'in_flight'))
        THEN NULL ELSE greatest(w.due, c.not_before) END,
      not_before = CASE WHEN w.due IS NULL THEN NULL ELSE c.not_before END,
      attempts = CASE WHEN w.due IS NULL THEN 0 ELSE c.attempts END
    FROM (SELECT v.id, CASE a.takes
              WHEN 'burst' THEN least(m.last + a.debounce, m.first + a.debounce_cap)
              ELSE m.first + a.debounce END AS due
          FROM unnest(wanted) AS x (id) JOIN conversations v ON v.id = x.id JOIN accounts a ON a.id = v.account_id
          CROSS JOIN LATERAL (
            SELECT min(o.created_at) AS first, max(o.created_at) AS last FROM messages o
            WHERE o.conversation_id = v.id AND o.direction = 'incoming' AND o.outcome IS NULL
              AND o.turn_id IS NULL) m) w
    WHERE c.id = w.id RETURNING c.id, c.due_at;
END $$
"""

# Receipts of messages nothing of whose answer is open any more: see due.settle_turns, which calls it.
SETTLE_TURNS = f"""
CREATE FUNCTION settle_turns(ended uuid[], moment timestamptz)
RETURNS TABLE (message uuid, contact uuid, how text, by_rule text, arrived timestamptz) {_LANGUAGE} AS $$
BEGIN
  RETURN QUERY WITH done AS (
      SELECT a.message_id, bool_or(d.status = 'sent') AS sent, bool_or(d.status = 'uncertain') AS uncertain,
             max(d.sent_at) AS sent_at, max(t.rule) AS rule, max(d.rule) FILTER (WHERE d.status = 'failed') AS refused
      FROM unnest(ended) AS x (id) JOIN deliveries d ON d.turn_id = x.id
      JOIN delivery_answers a ON a.delivery_id = d.id JOIN turns t ON t.id = d.turn_id
      GROUP BY a.message_id HAVING NOT bool_or(d.status IN ('planned', 'in_flight'))),
    settled AS (
      UPDATE messages m SET settled_at = coalesce(m.settled_at, moment), replied_at = done.sent_at,
        outcome = CASE WHEN done.sent THEN 'replied' WHEN done.uncertain THEN 'uncertain' ELSE 'failed' END,
        rule = CASE WHEN done.sent THEN done.rule WHEN done.uncertain THEN 'outbox.uncertain'
                    ELSE coalesce(done.refused, 'outbox.rejected') END
      FROM done WHERE m.id = done.message_id AND (
        m.outcome IS NULL OR m.outcome = 'uncertain' OR (m.outcome = 'replied' AND NOT done.sent))
      RETURNING m.id, m.user_id, m.conversation_id, m.outcome, m.rule, m.created_at, m.client_timestamp),
    newest AS (
      UPDATE conversations c SET answered_until = greatest(c.answered_until, s.latest)
      FROM (SELECT conversation_id, max(client_timestamp) AS latest FROM settled
            WHERE outcome <> 'failed' GROUP BY conversation_id) s
      WHERE c.id = s.conversation_id)
    SELECT s.id, s.user_id, s.outcome, s.rule, s.created_at FROM settled s;
END $$
"""

# The one commit that ends Turns: see commits.commit_all. Those whose token is gone are passed over; one that would
# answer what has ended since it was loaded undoes the whole call.
COMMIT_TURNS = f"""
CREATE FUNCTION commit_turns(
  turn_ids uuid[], conversations_ uuid[], tokens_ uuid[], users uuid[], moments timestamptz[], rules text[],
  minds text[], used int[], timings_ jsonb[], whys bytea[], quoting boolean[], holds timestamptz[], tries int[],
  answering int[],
  ended_turns uuid[], ended uuid[], outcomes text[], ended_rules text[],
  plan_turns uuid[], plan_ids uuid[], accounts_ text[], kinds text[], parts int[], answered uuid[], quoted uuid[],
  texts bytea[], digests text[], not_befores timestamptz[], typing int[],
  link_turns uuid[], link_messages uuid[], link_parts int[], link_deliveries uuid[],
  pause_turns uuid[], pause_ids uuid[], reasons text[], untils timestamptz[])
RETURNS TABLE (committed uuid) {_LANGUAGE} AS $$
DECLARE
  held uuid[];
  taken bigint;
  wanted bigint;
BEGIN
  SELECT array_agg(l.turn) INTO held FROM (
    SELECT t.turn FROM unnest(turn_ids, conversations_, tokens_) AS t (turn, conversation, token)
    JOIN conversations c ON c.id = t.conversation AND c.lease_token = t.token ORDER BY c.id FOR UPDATE OF c) l;
  IF held IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO turns (id, conversation_id, user_id, created_at, rule, mind, tokens, timings, why,
      quotes_when_overtaken)
    SELECT t.* FROM unnest(turn_ids, conversations_, users, moments, rules, minds, used, timings_, whys, quoting)
      AS t (id, conversation, contact, moment, rule, mind, tokens, timings, why, quoting) WHERE t.id = ANY(held);
  IF cardinality(ended) > 0 THEN
    UPDATE messages m SET outcome = e.outcome, rule = e.rule, settled_at = t.moment
      FROM unnest(ended_turns, ended, outcomes, ended_rules) AS e (turn, id, outcome, rule)
      JOIN unnest(turn_ids, moments) AS t (id, moment) ON t.id = e.turn
      WHERE m.id = e.id AND m.outcome IS NULL AND e.turn = ANY(held);
  END IF;
  IF cardinality(plan_ids) > 0 THEN
    INSERT INTO deliveries (account_id, conversation_id, user_id, turn_id, status, created_at, id, kind, part,
        answers, quotes, text, text_digest, not_before, typing_ms)
      SELECT p.account, t.conversation, t.contact, t.id, 'planned', t.moment, p.id, p.kind, p.part, p.answers,
        p.quotes, p.text, p.digest, p.not_before, p.typing
      FROM unnest(plan_turns, plan_ids, accounts_, kinds, parts, answered, quoted, texts, digests, not_befores, typing)
        WITH ORDINALITY AS p (turn, id, account, kind, part, answers, quotes, text, digest, not_before, typing, place)
      JOIN unnest(turn_ids, conversations_, users, moments) AS t (id, conversation, contact, moment) ON t.id = p.turn
      WHERE p.turn = ANY(held) ORDER BY p.place;
    INSERT INTO delivery_answers (message_id, part, delivery_id)
      SELECT l.message, l.part, l.delivery
      FROM unnest(link_turns, link_messages, link_parts, link_deliveries) AS l (turn, message, part, delivery)
      WHERE l.turn = ANY(held);
    UPDATE messages m SET turn_id = l.turn
      FROM (SELECT DISTINCT k.turn, k.message FROM unnest(link_turns, link_messages) AS k (turn, message)) l
      WHERE m.id = l.message AND l.turn = ANY(held) AND m.outcome IS NULL AND m.turn_id IS NULL;
    GET DIAGNOSTICS taken = ROW_COUNT;
    SELECT coalesce(sum(t.answering), 0) INTO wanted FROM unnest(turn_ids, answering) AS t (id, answering)
      WHERE t.id = ANY(held);
    IF taken < wanted THEN
      RAISE EXCEPTION 'what a Turn answers has ended since it was loaded' USING ERRCODE = 'SM001';
    END IF;
  END IF;
  IF cardinality(pause_ids) > 0 THEN
    INSERT INTO pauses (id, user_id, reason, since, until)
      SELECT p.id, t.contact, p.reason, t.moment, p.until
      FROM unnest(pause_turns, pause_ids, reasons, untils) AS p (turn, id, reason, until)
      JOIN unnest(turn_ids, users, moments) AS t (id, contact, moment) ON t.id = p.turn WHERE p.turn = ANY(held);
  END IF;
  UPDATE conversations c SET lease_token = NULL, lease_until = NULL, claims = 0, due_at = NULL,
      not_before = t.hold, attempts = t.tries
    FROM unnest(turn_ids, conversations_, holds, tries) AS t (id, conversation, hold, tries)
    WHERE c.id = t.conversation AND t.id = ANY(held);
  PERFORM recompute(array_agg(t.conversation)) FROM unnest(turn_ids, conversations_, answering)
    AS t (id, conversation, answering) WHERE t.id = ANY(held) AND t.answering = 0 HAVING count(*) > 0;
  RETURN QUERY SELECT unnest(held);
END $$
"""

# The fence: see deliveries.pass_fences. The locks are taken in statements of their own, and each statement of a
# volatile function takes a snapshot of its own: the last one sees whatever a press has committed before its lock.
PASS_FENCES = f"""
CREATE FUNCTION pass_fences(
  wanted uuid[], contacts_ uuid[], until_ timestamptz[], open_since_ timestamptz[], moment timestamptz,
  overtaken_after interval, stale timestamptz)
RETURNS TABLE (delivery uuid, kind_ text, text_ bytea, about uuid, source_ bytea, answers_ uuid, typing int,
  identity uuid, key_ bytea, address_ bytea, mind_ text, tokens_ int, arrived timestamptz, alone boolean,
  more boolean) {_LANGUAGE} AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7103003, 0);
  PERFORM pg_advisory_xact_lock_shared(7103004, hashtext(x::text)) FROM unnest(contacts_) AS x;
  RETURN QUERY WITH picked AS MATERIALIZED (
      SELECT d.id, w.until, CASE
          WHEN d.quotes IS NOT NULL OR d.kind <> 'text' OR d.part > 1 OR NOT t.quotes_when_overtaken THEN d.quotes
          WHEN moment - m.created_at > overtaken_after OR (
            SELECT count(*) FROM messages x WHERE x.conversation_id = c.id AND x.direction = 'incoming'
              AND x.seq > m.seq AND x.content_type NOT IN ('edit', 'deletion', 'reaction', 'system')) > 1 THEN d.answers
          ELSE NULL END AS quotes,
        i.id AS identity, k.key, i.address, t.mind, t.tokens, m.created_at AS arrived
      FROM unnest(wanted, until_, open_since_) AS w (id, until, open_since)
      JOIN deliveries d ON d.id = w.id JOIN conversations c ON c.id = d.conversation_id
      JOIN contacts k ON k.id = d.user_id JOIN identities i ON i.id = c.identity_id
      JOIN turns t ON t.id = d.turn_id JOIN messages m ON m.id = d.answers
      WHERE d.status = 'planned' AND d.not_before > stale AND c.enabled
        AND (c.last_owner_at IS NULL OR c.last_owner_at < d.created_at)
        AND (w.open_since IS NULL OR d.kind <> 'text' OR c.last_inbound_at > w.open_since)
        AND NOT EXISTS (SELECT 1 FROM pauses p WHERE (p.user_id IS NULL OR p.user_id = d.user_id)
          AND coalesce(least(p.until, p.lifted_at), 'infinity') > least(m.created_at, moment))
        AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.conversation_id = c.id AND e.seq < d.seq
          AND e.status IN ('planned', 'in_flight'))
      ORDER BY d.conversation_id FOR NO KEY UPDATE OF d SKIP LOCKED)
    UPDATE deliveries d SET status = 'in_flight', in_flight_at = moment, in_flight_until = p.until,
      attempts = d.attempts + 1, quotes = p.quotes
    FROM picked p WHERE d.id = p.id
    RETURNING d.id, d.kind, d.text, CASE d.kind WHEN 'text' THEN d.quotes ELSE d.answers END,
      (SELECT s.source FROM messages s WHERE s.id = CASE d.kind WHEN 'text' THEN d.quotes ELSE d.answers END),
      d.answers, d.typing_ms, p.identity, p.key, p.address, p.mind, p.tokens, p.arrived,
      d.kind = 'text' AND (SELECT count(*) FROM deliveries x
        WHERE x.turn_id = d.turn_id AND x.answers = d.answers AND x.kind = 'text') = 1,
      EXISTS (SELECT 1 FROM deliveries x
        WHERE x.conversation_id = d.conversation_id AND x.seq > d.seq AND x.status = 'planned');
END $$
"""

# What the provider took: see settling.sent_all. A row without an outcome is a conversation that is due again.
SETTLE_SENT = f"""
CREATE FUNCTION settle_sent(
  deliveries_ uuid[], conversations_ uuid[], turns_ uuid[], words text[], digests text[], providers bytea[],
  messages_ uuid[], replies bytea[], moment timestamptz)
RETURNS TABLE (id uuid, contact uuid, how text, by_rule text, arrived timestamptz) {_LANGUAGE} AS $$
#variable_conflict use_column
BEGIN
  PERFORM 1 FROM conversations c WHERE c.id = ANY(conversations_) ORDER BY c.id FOR UPDATE;
  UPDATE deliveries d SET status = 'sent', sent_at = coalesce(d.sent_at, moment), settled_at = moment,
      progress = CASE WHEN d.progress IN ('delivered', 'read') THEN d.progress ELSE s.word END, error = NULL,
      provider_message_id = coalesce(s.digest, d.provider_message_id), provider = coalesce(s.provider, d.provider)
    FROM unnest(deliveries_, words, digests, providers) AS s (delivery, word, digest, provider)
    WHERE d.id = s.delivery AND d.status IN ('in_flight', 'uncertain', 'sent');
  UPDATE messages m SET reply_text = r.reply FROM unnest(messages_, replies) AS r (message, reply)
    WHERE m.id = r.message AND r.reply IS NOT NULL AND m.erased_at IS NULL;
  RETURN QUERY SELECT s.message, s.contact, s.how, s.by_rule, s.arrived FROM settle_turns(turns_, moment) s;
  RETURN QUERY SELECT r.conversation, NULL::uuid, NULL::text, NULL::text, r.due FROM recompute(conversations_) r
    WHERE r.due IS NOT NULL;
END $$
"""

FUNCTIONS = ("recompute", "settle_turns", "commit_turns", "pass_fences", "settle_sent")


def upgrade() -> None:
    for function in (RECOMPUTE, SETTLE_TURNS, COMMIT_TURNS, PASS_FENCES, SETTLE_SENT):
        op.execute(function)


def downgrade() -> None:
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
