"""failures: why memory could not learn from an imported chat"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("failure", sa.Text, nullable=True))


def downgrade() -> None:
    op.drop_column("imports", "failure")
