"""How SecondMe behaves, as values: clone, support, journal. A new one is a file beside these and a line here."""

from dataclasses import replace
from datetime import timedelta

from secondme.domain.profile import Profile
from secondme.profiles.clone import CLONE
from secondme.profiles.journal import JOURNAL
from secondme.profiles.support import SUPPORT

PROFILES = {profile.name: profile for profile in (CLONE, SUPPORT, JOURNAL)}


def adjusted(
    profile: Profile,
    *,
    new_contacts_enabled: bool | None = None,
    debounce: timedelta | None = None,
    rate_limit: int | None = None,
    answer_within: timedelta | None = None,
    quote_after: timedelta | None = None,
    quote_behind: int | None = None,
) -> Profile:
    """A profile with what the owner's settings change; None leaves the profile's own value."""
    changes = {
        "new_contacts_enabled": new_contacts_enabled,
        "debounce": debounce,
        "debounce_cap": None if debounce is None else max(profile.debounce_cap, debounce),
        "rate_limit": rate_limit,
        "answer_within": answer_within,
        "quote_after": quote_after,
        "quote_behind": quote_behind,
    }
    return replace(profile, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]
