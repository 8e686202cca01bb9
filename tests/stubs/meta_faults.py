"""What is to happen to the next requests to the stub of Meta's API; tests.stubs.meta_network says which there are."""

from typing import Any


class Faults:
    """What is to go wrong next, in order."""

    def __init__(self) -> None:
        self.coming: list[dict[str, Any]] = []

    def add(self, wishes: list[dict[str, Any]]) -> None:
        for wish in wishes:
            self.coming += [wish] * wish.get("times", 1)

    def next(self, kind: str) -> dict[str, Any] | None:
        """The next one for a message or a read."""
        for number, fault in enumerate(self.coming):
            if fault.get("only", "message") in (kind, "any"):
                return self.coming.pop(number)
        return None
