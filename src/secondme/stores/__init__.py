"""Where things are kept: the ledger (Postgres), signals (Redis) and the vault that seals."""
