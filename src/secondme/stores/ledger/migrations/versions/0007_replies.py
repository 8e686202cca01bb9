"""replies: a prompt claims nothing that the provider refused"""

from importlib import import_module

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_LANGUAGE = "LANGUAGE plpgsql VOLATILE SET plan_cache_mode = 'force_generic_plan'"

# That of 0004, but for the reply: a provider's no may have come before its yes, and then nothing was said.
SETTLE_SENT = f"""
CREATE OR REPLACE FUNCTION settle_sent(
  deliveries_ uuid[], conversations_ uuid[], turns_ uuid[], words text[], digests text[], providers bytea[],
  messages_ uuid[], replies bytea[], moment timestamptz)
RETURNS TABLE (id uuid, contact uuid, how text, by_rule text, arrived timestamptz) {_LANGUAGE} AS $$
#variable_conflict use_column
BEGIN
  PERFORM 1 FROM conversations c WHERE c.id = ANY(conversations_) ORDER BY c.id FOR UPDATE;
  WITH taken AS (
    UPDATE deliveries d SET status = 'sent', sent_at = coalesce(d.sent_at, moment), settled_at = moment,
        progress = CASE WHEN d.progress IN ('delivered', 'read') THEN d.progress ELSE s.word END, error = NULL,
        provider_message_id = coalesce(s.digest, d.provider_message_id), provider = coalesce(s.provider, d.provider)
      FROM unnest(deliveries_, words, digests, providers) AS s (delivery, word, digest, provider)
      WHERE d.id = s.delivery AND d.status IN ('in_flight', 'uncertain', 'sent') RETURNING d.id)
  UPDATE messages m SET reply_text = r.reply
    FROM unnest(messages_, replies, deliveries_) AS r (message, reply, delivery) JOIN taken t ON t.id = r.delivery
    WHERE m.id = r.message AND r.reply IS NOT NULL AND m.erased_at IS NULL;
  RETURN QUERY SELECT s.message, s.contact, s.how, s.by_rule, s.arrived FROM settle_turns(turns_, moment) s;
  RETURN QUERY SELECT r.conversation, NULL::uuid, NULL::text, NULL::text, r.due FROM recompute(conversations_) r
    WHERE r.due IS NOT NULL;
END $$
"""


def upgrade() -> None:
    op.execute(SETTLE_SENT)


def downgrade() -> None:
    before = import_module("secondme.stores.ledger.migrations.versions.0004_fence")
    op.execute(before.SETTLE_SENT.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
