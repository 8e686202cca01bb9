"""ingest: what a new message pays for in the ledger"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A message belongs to its conversation, which belongs to the contact and the identity: one check, one cascade.
    op.drop_constraint("messages_user_id_fkey", "messages", type_="foreignkey")
    op.drop_constraint("messages_identity_id_fkey", "messages", type_="foreignkey")
    # The oldest and the newest that wait are found without reading those between.
    op.drop_index("messages_waiting", "messages")
    op.create_index(
        "messages_waiting",
        "messages",
        ["conversation_id", "created_at"],
        postgresql_where=sa.text("outcome IS NULL AND direction = 'incoming'"),
    )
    # Room on each page, so that a conversation that stays due is rewritten in place.
    op.execute("ALTER TABLE conversations SET (fillfactor = 60)")
