"""Every error that SecondMe raises on purpose. A message says what happened and what to do about it."""

from datetime import timedelta


class SecondMeError(Exception):
    """Root of all our errors; the command line prints its message as one line and exits with 1."""


class ConfigError(SecondMeError):
    """A setting is missing or unusable; the message names all such settings at once."""


class NotFound(SecondMeError):
    """What was asked for does not exist; the message says how to list what does."""


class Ambiguous(SecondMeError):
    """A name fits several things; the message lists them with the ids to use instead."""


class Invalid(SecondMeError):
    """Input that breaks a documented rule; the message names the rule."""


class StoreUnavailable(SecondMeError):
    """Postgres, Redis or FalkorDB does not answer."""


class MindFailed(SecondMeError):
    """A mind gave no usable answer: timeout, refusal, empty, truncated or malformed. Worth another try."""


class NotSent(SecondMeError):
    """A channel failed before any byte of the request left, or the provider took none of it: sending again is safe.

    `wait` is how long the provider asks to be left alone: it is planned again no sooner, and counted as a try.
    """

    def __init__(self, message: str, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class ChannelDown(NotSent):
    """The account cannot send, whatever the message (an expired token): planned again after `wait`, or half a minute.

    It counts as no try. A plan that has grown old by then goes back to the judge.
    """


class Rejected(SecondMeError):
    """The provider refused the message for good: sending again would not help."""


class SendUncertain(SecondMeError):
    """Bytes may have left and no answer came: nobody knows whether the message arrived."""
