"""going live: a person's second key, and what is kept aside only once"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("identities", sa.Column("second_key", sa.Text(), nullable=True))
    op.add_column("identities", sa.Column("second_address", sa.LargeBinary(), nullable=True))
    op.create_unique_constraint(None, "identities", ["channel", "second_key"])
    op.add_column("deliveries", sa.Column("rule", sa.Text(), nullable=True))
    op.add_column("kept_aside", sa.Column("digest", sa.Text(), nullable=True))
    op.create_unique_constraint(None, "kept_aside", ["digest"])
