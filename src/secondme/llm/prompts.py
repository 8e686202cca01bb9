"""From a Turn to chat messages: what is ours in the system message, what others wrote fenced in the others."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, TypedDict

from secondme.domain.errors import ConfigError
from secondme.domain.fact import OWNER, Fact
from secondme.domain.message import Kind, Line, Message
from secondme.domain.persona import RELATIONSHIPS, Example, Persona, Style
from secondme.domain.turn import Turn

# Characters: what a contact can make us pay for.
LONGEST = 4_000  # of one message
_WINDOW = 12_000  # of the conversation so far
_WAITING = 24_000  # of what waits for an answer
_STYLE = 16_000  # of how the owner writes
_ENOUGH = 20  # messages from which on a style's figures are worth telling

_STYLE_ENDS = "</style>\n"
LEFT_OUT = "(What was said before is left out.)"

# Anything that a model or its template could take for a tag of ours or a token of its own, however `<` is written and
# whatever invisible follows it: any that no number follows. So `<3` stays a heart, and `1 < 2` true.
_TAG = re.compile(
    r"(?:[<\uff1c\ufe64]|&(?:amp;)*(?:lt;?|#0*60(?!\d);?|#x0*3c(?![\da-f]);?))(?!\s?\d)"
    r"|\[(?=/?(?:inst|system_prompt|available_tools|tool_\w{1,20})\])",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class ChatMessage(TypedDict):
    """One message of OpenAI's chat completions."""

    role: Literal["system", "user", "assistant"]
    content: str


def build(turn: Turn) -> list[ChatMessage]:
    """The messages that ask for a reply to `turn.messages`.

    The system message holds our instructions and nothing that a contact or an import wrote: the persona, too, may have
    been taught by words that are not the owner's. System, persona and the conversation before come first and stay the
    same from turn to turn, for providers' caches.
    """
    system = _system(turn.account.profile.prompt, turn.contact.relationship)
    lines = [ChatMessage(role="system", content=system)]
    if turn.persona is not None:
        lines.append(ChatMessage(role="user", content=_persona(turn.persona)))
    lines += _conversation(turn.window, turn.window_cut)
    known = f"{_facts(turn)}{_examples(turn.examples)}"
    content = f"{known}Waiting for an answer:\n{_waiting(turn.messages)}"
    waiting = ChatMessage(role="user", content=content)
    return _merged([*lines, waiting])


def ask_for(ours: str, material: Sequence[str]) -> list[ChatMessage]:
    """The messages of a typed extraction: `ours` in the system message, each piece of material fenced."""
    system = f"{ours.strip()}\n\n{instructions('extract')}"
    kept: list[str] = []
    room = _WAITING
    for piece in material:
        text = fenced("message", piece)
        room -= len(text)
        if room < 0 and kept:
            break
        kept.append(text)
    content = "Material:\n" + "\n".join(kept)
    return [ChatMessage(role="system", content=system), ChatMessage(role="user", content=content)]


def rough_tokens(turn: Turn) -> int:
    """About how many tokens `build(turn)` is, at the most, in most scripts."""
    stable = len(_system(turn.account.profile.prompt, turn.contact.relationship))
    stable += len(_persona(turn.persona)) if turn.persona else 0
    window = min(sum(len(line.text) + 30 for line in turn.window), _WINDOW)
    waiting = min(sum(min(len(m.text), LONGEST) + 30 for m in turn.messages), _WAITING)
    known = sum(len(fact.text) + 80 for fact in turn.facts)
    known += sum(len(example.text) + 30 for example in turn.examples)
    return (stable + window + waiting + known) // 3


@cache
def instructions(name: str) -> str:
    """The text of one prompt file. Raises ConfigError, naming those that exist."""
    folder = files("secondme.llm") / "prompts"
    known = sorted(file.name.removesuffix(".md") for file in folder.iterdir() if file.name.endswith(".md"))
    if name not in known:
        raise ConfigError(f"There is no prompt {name!r}; a profile names one of {', '.join(known)}.")
    return (folder / f"{name}.md").read_text("utf-8").strip()


def fenced(tag: str, text: str, attributes: str = "", longest: int = LONGEST) -> str:
    """Untrusted text between tags that it cannot close, cut to a bounded length. `attributes` is ours."""
    return f"<{tag}{attributes}>{harmless(text, longest)}</{tag}>"


def style_apart(content: str) -> tuple[str, str]:
    """The beginning of a conversation, up to the end of the persona's style, and the rest; "" where it has none.

    Nobody else can write that end.
    """
    beginning, end, rest = content.rpartition(_STYLE_ENDS)
    return beginning + end, rest


def harmless(text: str, longest: int = LONGEST) -> str:
    """Text that can neither close a fence nor pass for a token of a chat template, cut to a bounded length."""
    text = _CONTROL.sub(" ", text).strip()
    if len(text) > longest:
        text = f"{text[:longest]} […]"
    return _TAG.sub(lambda found: "(" if found.group() == "[" else "‹", text)


@lru_cache(maxsize=32)  # thousands of Turns share one, and each would hold its own
def _system(prompt: str, relationship: str) -> str:
    sections = [instructions(prompt), instructions("shared")]
    if relationship in RELATIONSHIPS:
        sections.append(f"Who writes to you: the owner's {relationship}.")
    return "\n\n".join(sections)


@lru_cache(maxsize=16)
def _persona(persona: Persona) -> str:
    """Fenced, all of it: in an import somebody may have written what reads like a message of the owner's."""
    lines = [f"How the owner sounds ({persona.tone}):", persona.style_guide, *_figures(persona.style)]
    lines.append("Messages as the owner writes them:")
    lines += [f"- {' / '.join(example.splitlines())}" for example in persona.examples]
    return fenced("style", "\n".join(lines), longest=_STYLE)


def _figures(style: Style) -> list[str]:
    """The figures that a model can follow, in words."""
    if style.messages < _ENOUGH:
        return []
    said = [f"Measured: about {max(1, round(style.words))} words a message"]
    for share, what in (
        (style.lower_case, "begin in lower case"),
        (style.full_stop, "end with a full stop"),
        (style.emoji, "carry an emoji"),
    ):
        said.append(f"{round(share * 100)} % {what}")
    lines = [", ".join(said) + "."]
    for words, what in (
        (style.greetings, "Greetings"),
        (style.phrases, "Turns of phrase"),
        (style.favourite_emoji, "Emoji"),
    ):
        if words:
            lines.append(f"{what}: {', '.join(words)}.")
    return lines


def _conversation(window: Sequence[Line], cut: bool) -> list[ChatMessage]:
    """The newest lines that fit, oldest first, below LEFT_OUT if there were others before."""
    kept: list[ChatMessage] = []
    room = _WINDOW
    for line in reversed(window):
        text = fenced("message", line.text) if line.from_contact else harmless(line.text)
        if not text:
            continue  # a message without a word is refused by some
        room -= len(text)
        if room < 0:
            cut = True
            break
        kept.append(ChatMessage(role="user" if line.from_contact else "assistant", content=text))
    kept.reverse()
    if kept and (cut or kept[0]["role"] == "assistant"):  # some chat templates insist that the user begins
        kept.insert(0, ChatMessage(role="user", content=LEFT_OUT))
    return kept


def _facts(turn: Turn) -> str:
    """Oldest first, so that the same facts stay in the same order."""
    facts = sorted(turn.facts, key=lambda fact: (fact.said_at, fact.id))
    tellers = {OWNER: "you", str(turn.contact.id): "them"}
    return "".join(f"{fenced('fact', fact.text, _said(fact, tellers.get(fact.teller)))}\n" for fact in facts)


def _said(fact: Fact, teller: str | None) -> str:
    """When, by whom, and until when it held: ours, so outside of the text that others wrote."""
    by = f' by="{teller}"' if teller else ""
    until = f' until="{fact.valid_to:%Y-%m-%d}"' if fact.valid_to else ""
    return f' said="{fact.said_at:%Y-%m-%d}"{by}{until}'


def _examples(examples: Sequence[Example]) -> str:
    return "".join(f"{fenced('example', example.text)}\n" for example in examples)


def _waiting(messages: Sequence[Message]) -> str:
    """The newest of the waiting messages that fit, numbered by their place in the Turn."""
    kept: list[str] = []
    room = _WAITING
    for number, message in reversed(list(enumerate(messages, 1))):
        attributes = f' n="{number}"' if len(messages) > 1 else ""
        if message.kind is not Kind.TEXT:
            attributes += f' kind="{message.kind}"'
        text = fenced("message", message.text, attributes)
        room -= len(text)
        if room < 0 and kept:
            break
        kept.append(text)
    return "\n".join(reversed(kept))


def _merged(lines: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Neighbours of the same role as one message: some chat templates insist on turns."""
    merged: list[ChatMessage] = []
    for line in lines:
        if merged and merged[-1]["role"] == line["role"]:
            merged[-1] = ChatMessage(role=line["role"], content=f"{merged[-1]['content']}\n{line['content']}")
        else:
            merged.append(line)
    return merged
