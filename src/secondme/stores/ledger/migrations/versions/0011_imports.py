"""imports: how far memory has come with an imported chat"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_WAITS = "state = 'waiting'"


def upgrade() -> None:
    op.add_column("imports", sa.Column("state", sa.Text, nullable=False, server_default="done"))
    for name in ("total", "done", "entities"):
        op.add_column("imports", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.add_column("imports", sa.Column("by_model", sa.Boolean, nullable=False, server_default="false"))
    op.add_column("imports", sa.Column("audience", sa.Text, nullable=True))
    for name in ("file_key", "tellers"):
        op.add_column("imports", sa.Column(name, sa.LargeBinary, nullable=True))
    op.create_index("imports_waiting", "imports", ["created_at"], postgresql_where=sa.text(_WAITS))


def downgrade() -> None:
    op.drop_index("imports_waiting", "imports")
    for name in ("tellers", "file_key", "audience", "by_model", "entities", "done", "total", "state"):
        op.drop_column("imports", name)
