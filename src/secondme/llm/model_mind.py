"""A mind that is a model: it drafts replies and fills in forms, over either wire format."""

from collections.abc import Sequence

from pydantic import BaseModel

from secondme.domain.turn import Draft, Turn
from secondme.llm.anthropic_wire import AnthropicWire
from secondme.llm.asking import Answer, Asks, Form
from secondme.llm.forms import complaint, filled, form_of
from secondme.llm.openai_wire import OpenAIWire
from secondme.llm.prompts import ChatMessage, ask_for, build, harmless
from secondme.llm.providers import Model
from secondme.llm.replies import to_parts
from secondme.llm.wire import WireFailed
from secondme.ports import Extraction, Question

_TOKEN = 20  # characters that a token has on no average of any text
_LONGEST_QUOTE = 8_000  # characters of a misfit that its mind is shown again


class ModelMind:
    """ports.Mind and ports.Extractor over HTTP. Never tries twice: that is for whoever asks."""

    def __init__(self, model: Model) -> None:
        self.name = model.label
        self._longest = model.max_tokens * _TOKEN  # characters
        self._wire: Asks = AnthropicWire(model) if model.provider.wire == "anthropic" else OpenAIWire(model)

    async def complete(self, turn: Turn) -> Draft:
        """Draft a reply to `turn.messages`.

        Raises WireFailed, with the model and the cause but no word of content, for anything but a whole, usable
        answer.
        """
        answer = await self._ask(build(turn))
        parts = to_parts(answer.text, turn)
        if not parts:
            raise WireFailed(self.name, "empty", "gave an empty answer.", tokens=answer.cost.tokens)
        return Draft(parts, self.name, answer.cost.tokens, answer.cost.cached)

    async def extract[T: BaseModel](self, schema: type[T], question: Question) -> Extraction[T]:
        """Fill in a `schema`; what does not fit goes back once with what is wrong. Raises WireFailed."""
        form, messages = form_of(schema), ask_for(question.instructions, question.material)
        first = await self._ask(messages, form)
        try:
            return self._extraction(filled(schema, first.text), [first])
        except ValueError as error:
            problems = complaint(error)
        second = await self._again([*messages, *_returned(first.text, problems)], schema, first)
        try:
            return self._extraction(filled(schema, second.text), [first, second])
        except ValueError:
            tokens = first.cost.tokens + second.cost.tokens
            said = f"filled in {form.name} wrongly, twice."
            raise WireFailed(self.name, "misfit", said, tokens=tokens) from None

    async def _ask(self, messages: Sequence[ChatMessage], form: Form | None = None) -> Answer:
        """Ask for as much as it may say. Raises WireFailed, also where it went on all the same."""
        answer = await self._wire.ask(messages, form)
        if len(answer.text) > self._longest:
            said = f"went on far beyond max_tokens, to {len(answer.text)} characters."
            raise WireFailed(self.name, "overlong", said, tokens=answer.cost.tokens)
        return answer

    async def _again(self, messages: Sequence[ChatMessage], schema: type[BaseModel], first: Answer) -> Answer:
        try:
            return await self._ask(messages, form_of(schema))
        except WireFailed as error:
            error.tokens += first.cost.tokens
            raise

    def _extraction[T: BaseModel](self, value: T, answers: Sequence[Answer]) -> Extraction[T]:
        tokens = sum(answer.cost.tokens for answer in answers)
        return Extraction(value, self.name, tokens, sum(answer.cost.cached for answer in answers))

    async def close(self) -> None:
        await self._wire.close()


def _returned(text: str, problems: str) -> list[ChatMessage]:
    """Its own words, which may be what somebody had it say."""
    again = f"That does not fit the form:\n{problems}\nFill in the whole form again."
    return [
        ChatMessage(role="assistant", content=harmless(text, longest=_LONGEST_QUOTE)),
        ChatMessage(role="user", content=again),
    ]
