"""What is said in a story, what of it is still to be learned, and how much was done."""

from collections import Counter
from dataclasses import dataclass, field

from tests.isolation.oracle import Told


@dataclass(frozen=True)
class Says:
    """A sentence that the rules read as one statement. `name`: None where they speak of themselves."""

    verb: str  # work or live
    name: str | None
    place: str
    holds: bool = True

    @property
    def text(self) -> str:
        where = f"{'at' if self.verb == 'work' else 'in'} {self.place}"
        no = "" if self.holds else "no longer "
        return (
            f"I {no}{self.verb} {where}"
            if self.name is None
            else f"My friend {self.name} {no}{self.verb}s {where}"
        )


@dataclass
class Spoken:
    """A live message that somebody may edit or delete. `mark` names it."""

    contact: str
    provider_id: str
    by_owner: bool
    key: int
    mark: str


@dataclass
class Waiting:
    """An imported chat that memory has yet to learn from."""

    audience: str
    members: set[str]
    facts: list[Told]


@dataclass
class Tally:
    """What was done in all stories of a run."""

    prompts: int = 0
    canaries: int = 0  # words looked for, prompt by prompt
    heard: int = 0  # asked for by name, and there
    acts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list, repr=False)

    def add(self, other: "Tally") -> None:
        self.prompts += other.prompts
        self.canaries += other.canaries
        self.heard += other.heard
        self.acts += other.acts
