"""What a message says: people, companies, topics, events, places, days, and what is asserted of them.

`read` finds it by rules, `read_with` by a mind, `estimate` says before what a mind would cost.
"""

from secondme.memory.extract.asking import Estimate, Utterance, estimate, read_with
from secondme.memory.extract.rules import read

__all__ = ["Estimate", "Utterance", "estimate", "read", "read_with"]
