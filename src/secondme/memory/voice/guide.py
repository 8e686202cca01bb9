"""A style guide in words, made from the figures of a voice."""

from secondme.domain.persona import Style

_LISTED = 8  # phrases named in the guide


def tone_of(style: Style) -> str:
    """The nearest of the documented tones."""
    careful = style.lower_case < 0.25 and style.full_stop > 0.4
    if careful and style.emoji < 0.1 and style.words >= 6:
        return "formal"
    if style.words < 4 and style.emoji < 0.1 and style.exclamation < 0.15:
        return "concise"
    return "friendly" if style.emoji + style.exclamation > 0.45 and style.lower_case < 0.6 else "casual"


def style_guide(style: Style) -> str:
    """How the owner writes, as instructions; 100 characters at least, a page at most."""
    lines = [
        "Write as the owner of this number writes; these figures come from"
        f" {style.messages:,} of their own messages.",
        _length(style),
        _marks(style),
        _pictures(style),
    ]
    if style.greetings:
        lines.append(
            f"Greetings in use: {', '.join(style.greetings)}. No greeting in the middle of a conversation."
        )
    if style.phrases:
        lines.append(
            "Said again and again: " + "; ".join(f"“{said}”" for said in style.phrases[:_LISTED]) + "."
        )
    lines.append(
        "Answer in the language of the message. Never become more formal, more cheerful or longer than this,"
        " and never claim to know or promise what the conversation does not say."
    )
    return "\n".join(lines)


def _length(style: Style) -> str:
    words = max(1, round(style.words))
    text = f"A message has about {words} word{'s' if words > 1 else ''}"
    if style.burst < 1.25:
        return text + "; one message at a time."
    return text + f"; often several in a row ({style.burst:.1f} on average) rather than one long one."


def _marks(style: Style) -> str:
    return (
        f"Messages begin in lower case {_often(style.lower_case)},"
        f" end with a full stop {_often(style.full_stop)},"
        f" carry an exclamation mark {_often(style.exclamation)} and ask something {_often(style.question)}."
    )


def _pictures(style: Style) -> str:
    if style.emoji < 0.01:
        return "No emoji."
    favourites = f", mostly {' '.join(style.favourite_emoji)}" if style.favourite_emoji else ""
    return f"Emoji {_often(style.emoji)}{favourites}."


def _often(share: float) -> str:
    steps = ((0.03, "hardly ever"), (0.15, "rarely"), (0.4, "now and then"), (0.65, "about half the time"))
    word = next(
        (word for limit, word in steps if share < limit), "nearly always" if share > 0.85 else "mostly"
    )
    return f"{word} ({share:.0%})"
