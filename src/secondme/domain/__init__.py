"""What exists and what must hold. Nothing in here does I/O or is async."""
