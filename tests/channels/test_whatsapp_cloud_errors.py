"""Meta's list of error codes, each with the status that Meta lists it with, and what SecondMe makes of it.

https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

from datetime import timedelta

import pytest

from secondme.channels.whatsapp_cloud.errors import meaning, rule_of
from secondme.domain.errors import ChannelDown, NotSent, Rejected, SendUncertain
from secondme.web.dashboard.rules import RULES

DOWN, UNCERTAIN = "down", "uncertain"
REJECTED, CLOSED, UNDELIVERABLE = "outbox.rejected", "outbox.window_closed", "outbox.undeliverable"
RESTRICTED, TEMPLATE = "outbox.restricted", "outbox.template"
THROTTLED, ACCOUNT_DOWN = "outbox.throttled", "outbox.account_down"

# Code, status; a rule (refused for good), seconds (not taken, to be tried again), down or uncertain; the rule of the
# same code in a later status `failed`.
DOCUMENTED: list[tuple[int, int, str | int, str]] = [
    (0, 401, DOWN, ACCOUNT_DOWN),
    (1, 400, UNCERTAIN, REJECTED),
    (2, 503, UNCERTAIN, REJECTED),
    (3, 500, DOWN, ACCOUNT_DOWN),
    (4, 400, 60, THROTTLED),
    (10, 403, DOWN, ACCOUNT_DOWN),
    (33, 400, DOWN, ACCOUNT_DOWN),
    (100, 400, REJECTED, REJECTED),
    (190, 401, DOWN, ACCOUNT_DOWN),
    (200, 403, DOWN, ACCOUNT_DOWN),
    (230, 403, DOWN, ACCOUNT_DOWN),
    (299, 403, DOWN, ACCOUNT_DOWN),
    (300, 403, REJECTED, REJECTED),
    (368, 403, RESTRICTED, RESTRICTED),
    (470, 400, CLOSED, CLOSED),
    (80007, 400, 60, THROTTLED),
    (130429, 400, 5, THROTTLED),
    (130472, 400, REJECTED, REJECTED),
    (130497, 403, RESTRICTED, RESTRICTED),
    (131000, 500, UNCERTAIN, REJECTED),
    (131000, 400, UNCERTAIN, REJECTED),
    (131005, 403, DOWN, ACCOUNT_DOWN),
    (131008, 400, REJECTED, REJECTED),
    (131009, 400, REJECTED, REJECTED),
    (131016, 500, UNCERTAIN, THROTTLED),
    (131016, 400, 30, THROTTLED),
    (131021, 400, REJECTED, REJECTED),
    (131026, 400, UNDELIVERABLE, UNDELIVERABLE),
    (131030, 400, UNDELIVERABLE, UNDELIVERABLE),
    (131031, 403, RESTRICTED, RESTRICTED),
    (131037, 400, DOWN, ACCOUNT_DOWN),
    (131042, 400, DOWN, ACCOUNT_DOWN),
    (131045, 500, DOWN, ACCOUNT_DOWN),
    (131047, 400, CLOSED, CLOSED),
    (131048, 400, 300, THROTTLED),
    (131049, 400, REJECTED, REJECTED),
    (131050, 400, REJECTED, REJECTED),
    (131051, 400, REJECTED, REJECTED),
    (131056, 400, 6, THROTTLED),
    (131057, 500, DOWN, ACCOUNT_DOWN),
    (132000, 400, TEMPLATE, TEMPLATE),
    (132001, 404, TEMPLATE, TEMPLATE),
    (132005, 400, TEMPLATE, TEMPLATE),
    (132007, 400, TEMPLATE, TEMPLATE),
    (132012, 400, TEMPLATE, TEMPLATE),
    (132015, 400, TEMPLATE, TEMPLATE),
    (132016, 400, TEMPLATE, TEMPLATE),
    (132018, 400, TEMPLATE, TEMPLATE),
    (133010, 400, DOWN, ACCOUNT_DOWN),
]


@pytest.mark.parametrize(("code", "status", "means", "later"), DOCUMENTED)
def test_each_documented_code(code: int, status: int, means: str | int, later: str) -> None:
    found = meaning(status, {"error": {"message": f"(#{code}) x", "code": code}}, None)
    if means == DOWN:
        assert type(found) is ChannelDown and found.wait == timedelta(seconds=60)
    elif means == UNCERTAIN:
        assert type(found) is SendUncertain
    elif isinstance(means, int):
        assert type(found) is NotSent and found.wait == timedelta(seconds=means)
    else:
        assert type(found) is Rejected and found.rule == means
    assert rule_of(code) == later
    assert later in RULES, "the page has a sentence for it"


@pytest.mark.parametrize("message", ["(#100) Invalid parameter", None, 5])
def test_a_wrong_parameter_is_not_a_wrong_secret(message: object) -> None:
    found = meaning(400, {"error": {"message": message, "code": 100}}, None)
    assert type(found) is Rejected and found.rule == REJECTED
