"""provider ids: by which id each of the owner's businesses knows somebody, for they have an id for each"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_ids",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("identity_id", sa.Uuid, sa.ForeignKey("identities.id", ondelete="CASCADE"), nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("address", sa.LargeBinary, nullable=True),
        sa.UniqueConstraint("identity_id", "scope"),
    )
    op.create_index("provider_ids_key", "provider_ids", ["key"])


def downgrade() -> None:
    op.drop_table("provider_ids")
