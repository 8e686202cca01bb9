"""What several chats taught, together: one voice for everybody, and one for each kind of people where that is known."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from secondme.domain.persona import RELATIONSHIPS, Lesson, Persona, Style
from secondme.memory.voice.guide import style_guide, tone_of
from secondme.memory.voice.style import style_distance
from secondme.memory.voice.words import flat

OWN_PERSONA = "persona-own"
FEWEST_EXAMPLES, MOST_EXAMPLES = 3, 20
_ENOUGH = 20  # messages from which on people of one kind have a voice of their own
_MOST = {"favourite_emoji": 5, "greetings": 5, "phrases": 30}


def personas(lessons: Sequence[Lesson], defaults: Sequence[Persona]) -> list[Persona]:
    """The personas that these lessons (the newest first) make: everybody's, then those of single relationships.

    Examples are filled up from the nearest of `defaults`. Empty where there is nothing to learn from.
    """
    made = [_persona(lessons, OWN_PERSONA, "Your own voice", RELATIONSHIPS, defaults)] if lessons else []
    for relationship in RELATIONSHIPS:
        some = [lesson for lesson in lessons if lesson.relationship == relationship]
        if sum(lesson.style.messages for lesson in some) >= _ENOUGH:
            id, name = f"{OWN_PERSONA}-{relationship}", f"Your own voice ({relationship})"
            made.append(_persona(some, id, name, (relationship,), defaults))
    return [persona for persona in made if persona is not None]


def _persona(
    lessons: Sequence[Lesson],
    id: str,
    name: str,
    applicable_to: tuple[str, ...],
    defaults: Sequence[Persona],
) -> Persona | None:
    style = together([lesson.style for lesson in lessons])
    examples = filled(in_turns([lesson.examples for lesson in lessons]), style, defaults)
    if len(examples) < FEWEST_EXAMPLES:
        return None
    return Persona(id, name, tone_of(style), style_guide(style), examples, applicable_to, style)


def together(styles: Sequence[Style]) -> Style:
    """The figures of several chats as of one: each counts by its messages."""
    if len(styles) == 1:
        return styles[0]
    count = sum(style.messages for style in styles) or 1

    def mean(figure: Callable[[Style], float]) -> float:
        return round(sum(figure(style) * style.messages for style in styles) / count, 4)

    ranked = sorted(styles, key=lambda style: -style.messages)
    said = {
        field: tuple(in_turns([getattr(style, field) for style in ranked])[:most])
        for field, most in _MOST.items()
    }
    return Style(
        messages=sum(style.messages for style in styles),
        words=mean(lambda style: style.words),
        emoji=mean(lambda style: style.emoji),
        lower_case=mean(lambda style: style.lower_case),
        full_stop=mean(lambda style: style.full_stop),
        exclamation=mean(lambda style: style.exclamation),
        question=mean(lambda style: style.question),
        burst=max(1.0, mean(lambda style: style.burst)),
        **said,
    )


def in_turns(lists: Sequence[Sequence[str]]) -> list[str]:
    """The first of each list, then the second of each; what is said twice comes once."""
    chosen: dict[str, str] = {}
    for text in _alternating(lists):
        chosen.setdefault(flat(text) or text, text)
    return list(chosen.values())


def _alternating(lists: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in zip_longest(*lists):
        yield from (text for text in row if text is not None)


def filled(examples: Sequence[str], style: Style, defaults: Sequence[Persona]) -> tuple[str, ...]:
    """These examples, filled up to three from the nearest default where there is one; twenty at the most."""
    if len(examples) < FEWEST_EXAMPLES and defaults:
        nearest = min(defaults, key=lambda persona: _away(style, persona))
        examples = in_turns([[*examples, *nearest.examples]])
    return tuple(examples[:MOST_EXAMPLES])


def _away(style: Style, persona: Persona) -> float:
    return sum(style_distance(style, text) for text in persona.examples) / len(persona.examples)
