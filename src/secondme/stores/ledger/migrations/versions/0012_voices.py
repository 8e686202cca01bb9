"""voices: what each imported chat taught of the voice, and to whom a kept reply was said"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("relationship", sa.Text, nullable=True))
    op.add_column("imports", sa.Column("lesson", sa.LargeBinary, nullable=True))
    op.add_column(
        "voice_examples",
        sa.Column("audience", sa.Uuid, sa.ForeignKey("contacts.id", ondelete="CASCADE"), nullable=True),
    )
    op.create_index(
        "voice_examples_audience",
        "voice_examples",
        ["audience"],
        postgresql_where=sa.text("audience IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("voice_examples_audience", "voice_examples")
    op.drop_column("voice_examples", "audience")
    for name in ("lesson", "relationship"):
        op.drop_column("imports", name)
