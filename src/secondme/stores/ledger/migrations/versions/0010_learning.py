"""learning: which messages the graph has taken in"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("learned_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.create_index("messages_unlearned", "messages", ["seq"], postgresql_where=sa.text("learned_at IS NULL"))


def downgrade() -> None:
    op.drop_index("messages_unlearned", "messages")
    op.drop_column("messages", "learned_at")
