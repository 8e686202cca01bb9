"""Why a file is not read as an export. No message quotes the chat, its names or its path."""

from secondme.domain.errors import SecondMeError


class ExportError(SecondMeError):
    """The file is no export that can be read; the message says what it is and what to give instead."""


class DateOrderAmbiguous(ExportError):
    """The dates can be read in two orders and nothing in the file tells which is meant."""


class DayPeriodUnknown(ExportError):
    """A 12-hour clock whose words for morning and afternoon are not known and cannot be inferred."""
