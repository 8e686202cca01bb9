"""What both wire formats have in common: chat messages in, a whole answer out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from secondme.llm.prompts import ChatMessage, style_apart
from secondme.llm.providers import Model
from secondme.llm.wire import Cost


@dataclass(frozen=True, slots=True)
class Form:
    """A JSON schema to be filled in. `strict` is the same as constrained decoding wants it, None where it cannot be."""

    name: str
    schema: Mapping[str, Any]
    strict: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: its text, which is JSON where a form was asked for."""

    text: str
    cost: Cost


class Asks(Protocol):
    """A model behind one wire format."""

    model: Model

    async def ask(self, messages: Sequence[ChatMessage], form: Form | None = None) -> Answer:
        """Ask once; ask again in another form only where a refusal taught which. Raises WireFailed."""
        ...

    async def close(self) -> None: ...


def parted(messages: Sequence[ChatMessage]) -> tuple[str, list[ChatMessage]]:
    """The system text, and the conversation."""
    system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
    return system, [m for m in messages if m["role"] != "system"]


def folded(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """For models without system messages: its text at the head of the first message, between tags of its own.

    What others wrote cannot make such a tag (see `prompts.harmless`), so what is ours stays apart.
    """
    system, rest = parted(messages)
    if not system:
        return rest
    ours = f"<instructions>\n{system}\n</instructions>"
    if not rest or rest[0]["role"] != "user":
        return [ChatMessage(role="user", content=ours), *rest]
    return [ChatMessage(role="user", content=f"{ours}\n\n{rest[0]['content']}"), *rest[1:]]


def cached(text: str) -> dict[str, Any]:
    """A block that Anthropic keeps, with all before it, for five minutes, renewed by each read."""
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}


def with_cached_style(lines: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """The conversation, the persona's style at its beginning as a block of its own: it stays while the rest moves."""
    found: list[dict[str, Any]] = [{"role": line["role"], "content": line["content"]} for line in lines]
    style, rest = style_apart(lines[0]["content"])
    if style:
        found[0]["content"] = [cached(style), {"type": "text", "text": rest}]
    return found


def with_system(messages: Sequence[ChatMessage], more: str) -> list[ChatMessage]:
    """The messages with a paragraph more at the end of the system text."""
    system, rest = parted(messages)
    return [ChatMessage(role="system", content=f"{system}\n\n{more}" if system else more), *rest]
