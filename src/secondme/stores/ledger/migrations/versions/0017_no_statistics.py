"""no statistics: what had been gathered before 0014 of the columns that it names goes as well"""

from alembic import op
from sqlalchemy import text

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SEALED = text("""SELECT attrelid::regclass::text, quote_ident(attname), format_type(atttypid, atttypmod)
  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
  WHERE relnamespace = current_schema()::regnamespace AND attstattarget = 0 AND attnum > 0 AND NOT attisdropped""")


def upgrade() -> None:
    # To gather no more leaves what there is. To say the type again drops it, and writes neither rows nor indexes anew.
    for table, column, kind in op.get_bind().execute(_SEALED).all():
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}")


def downgrade() -> None:
    """There is nothing to take back."""
