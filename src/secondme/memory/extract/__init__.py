"""What a message says: people, companies, topics, events, places, days, and what is asserted of them. By rules."""

from secondme.memory.extract.rules import read

__all__ = ["read"]
