"""From a mind's text to the parts of a Draft, each with the message that it answers."""

import re
from collections import Counter
from collections.abc import Sequence

from secondme.domain.turn import Part, Turn

MOST_PARTS = 3
# Of a text that may be long and hostile nothing is looked for with two ends that could each give way.
_THOUGHT = re.compile(r"<(/?)(think|thinking|reasoning)>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:message|example|fact|style)\b[^<>]{0,100}>", re.IGNORECASE)
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_WORD = re.compile(r"\w{3,}")
_STEM = 5  # characters that inflections of a word share, near enough
_PLACE = 0.05  # what standing in the expected place counts beside one shared word


def visible(text: str) -> str:
    """A mind's text without what models think aloud, and without tags of ours that they repeat.

    Nothing of it where a thought never ends, and nothing of what stands before the end of one that was begun for the
    model, as some chat templates do.
    """
    said, thought, at = list[str](), "", 0
    for found in _THOUGHT.finditer(text):
        ends, tag = bool(found[1]), found[2].lower()
        if thought and not (ends and tag == thought):
            continue
        if not ends:
            said.append(text[at : found.start()].rstrip())
        elif not thought:
            said.clear()
        thought, at = "" if ends else tag, found.end()
    return "" if thought else _TAG.sub("", "".join(said) + text[at:]).strip()


def split(text: str) -> list[str]:
    """The parts between blank lines; what exceeds three parts joins the third."""
    parts = [part.strip() for part in _BLANK_LINE.split(text.replace("\r\n", "\n")) if part.strip()]
    return parts[: MOST_PARTS - 1] + (
        ["\n".join(parts[MOST_PARTS - 1 :])] if len(parts) >= MOST_PARTS else []
    )


def to_parts(text: str, turn: Turn) -> tuple[Part, ...]:
    """Parts with what they answer, in the order of what they answer. Empty if there is nothing to say.

    A part that shares words with a message other than the last quotes it.
    """
    texts = split(visible(text))
    messages = [_stems(message.text) for message in turn.messages]
    rarity = Counter(stem for stems in messages for stem in stems)
    shared = [[sum(1 / rarity[s] for s in _stems(part) & stems) for stems in messages] for part in texts]
    chosen = _in_order(shared, len(messages))
    last = len(messages) - 1
    return tuple(
        Part(part, turn.messages[at].id, quote=at != last and shared[number][at] > 0)
        for number, (part, at) in enumerate(zip(texts, chosen, strict=True))
    )


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in _WORD.findall(text.casefold())}


def _in_order(shared: Sequence[Sequence[float]], messages: int) -> list[int]:
    """For each part the index of its message, never falling, that shares the most in all.

    Where words do not decide, the parts spread evenly over the messages, and a single part goes to the last.
    """
    best: list[tuple[float, list[int]]] = [(0.0, [])] * messages
    for number, row in enumerate(shared):
        expected = number * (messages - 1) / (len(shared) - 1) if len(shared) > 1 else messages - 1
        following: list[tuple[float, list[int]]] = []
        for at in range(messages):
            score, path = max(best[: at + 1], key=lambda found: found[0])
            place = _PLACE * (1 - abs(at - expected) / messages)
            following.append((score + row[at] + place, [*path, at]))
        best = following
    return max(best, key=lambda found: found[0])[1]
