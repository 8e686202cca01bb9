"""erasing: no statistics of what the keys that are left would open, for they outlive the row"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SEALED = {
    "contacts": ["key"],
    "imports": ["file_key", "tellers", "lesson"],
    "kept_aside": ["payload"],
    "personas": ["style_guide", "examples", "style"],
    "voice_examples": ["text"],
}


def upgrade() -> None:
    _gather(0)


def downgrade() -> None:
    _gather(-1)


def _gather(statistics: int) -> None:
    for table, columns in SEALED.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS {statistics}")
