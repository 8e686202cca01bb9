"""Every error that SecondMe raises on purpose. A message says what happened and what to do about it."""

from datetime import timedelta


class SecondMeError(Exception):
    """Root of all our errors; the command line prints its message as one line and exits with 1."""


class ConfigError(SecondMeError):
    """Settings are missing or unusable: all of them at once, each in a sentence of its own."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class Unusable(ConfigError):
    """A service outside refuses us or does not answer. `state` says so in a few words, for `/health`."""

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


class NotFound(SecondMeError):
    """What was asked for does not exist; the message says how to list what does."""


class Ambiguous(SecondMeError):
    """A name fits several things; the message lists them with the ids to use instead."""


class Invalid(SecondMeError):
    """Input that breaks a documented rule; the message names the rule."""


class StoreUnavailable(SecondMeError):
    """Postgres, Redis or FalkorDB does not answer."""


class MindFailed(SecondMeError):
    """A mind gave no usable answer: timeout, refusal, empty, truncated, malformed. Worth another try unless `final`."""

    cause = "unusable"  # one word of ours, for metrics
    tokens = 0  # what the failure cost
    final = False  # the same, asked again, would be refused again
    again_in = 0.0  # seconds before which another try is pointless


class BudgetSpent(MindFailed):
    """What a contact or a day may cost is spent. `then` says what comes instead: line, silence or person."""

    cause = "budget"

    def __init__(self, rule: str, then: str) -> None:
        super().__init__(f"The budget is spent ({rule}): raise it, or wait for midnight.")
        self.rule = rule
        self.then = then


class BudgetHeld(MindFailed):
    """What is under way may use up what is left: whether the budget is spent is known once it has ended."""

    cause = "budget_held"
    again_in = 5.0

    def __init__(self, rule: str) -> None:
        super().__init__(f"What is under way may use up the budget ({rule}): ask again in a moment.")
        self.rule = rule


class NotSent(SecondMeError):
    """A channel failed before any byte of the request left, or the provider took none of it: sending again is safe.

    `wait` is how long the provider asks to be left alone: it is planned again no sooner, and counted as a try.
    """

    def __init__(self, message: str, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class ChannelDown(NotSent):
    """The account cannot send, whatever the message (an expired token): planned again after `wait`, or half a minute.

    It counts as no try. A plan that has grown old by then goes back to the judge, and is held the longer it goes on.
    """


class Rejected(SecondMeError):
    """The provider refused the message for good: sending again would not help. `rule` is what its receipt says."""

    def __init__(self, message: str, rule: str = "outbox.rejected") -> None:
        super().__init__(message)
        self.rule = rule


class SendUncertain(SecondMeError):
    """Bytes may have left and no answer came: nobody knows whether the message arrived."""
