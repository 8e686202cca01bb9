"""The journal in its first form: acknowledges each message, one by one, oldest first."""

from datetime import timedelta

from secondme.domain.profile import OnRateLimit, Profile, Takes

JOURNAL = Profile(
    name="journal",
    takes=Takes.OLDEST,
    debounce=timedelta(0),
    debounce_cap=timedelta(0),
    new_contacts_enabled=True,
    rate_limit=0,
    on_rate_limit=OnRateLimit.THROTTLE,
    owner_word_pause=None,
    answer_within=timedelta(days=7),
    content_window=None,
    when_mind_fails="Noted.",
    says_when_offline="Noted.",
    quotes_when_overtaken=True,
    quote_after=timedelta(seconds=10),
    quote_behind=1,
    recalls=10,
    facts=0,
    recall_tokens=5_500,
    keeps_quiet_hours=False,
    prompt="journal",
)
