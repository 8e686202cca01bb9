"""The clone: speaks in the owner's voice, and steps back the moment the owner steps in."""

from datetime import timedelta

from secondme.domain.profile import OnRateLimit, Profile, Takes

CLONE = Profile(
    name="clone",
    takes=Takes.BURST,
    debounce=timedelta(seconds=2.5),
    debounce_cap=timedelta(seconds=20),
    new_contacts_enabled=False,
    rate_limit=10,
    on_rate_limit=OnRateLimit.PAUSE,
    owner_word_pause=timedelta(minutes=60),
    answer_within=timedelta(hours=1),
    content_window=timedelta(hours=1),
    when_mind_fails=None,
    says_when_offline=None,
    quotes_when_overtaken=False,
    quote_after=timedelta(seconds=10),
    quote_behind=1,
    recalls=20,
    facts=12,
    recall_tokens=5_500,
    keeps_quiet_hours=True,
    prompt="clone",
)
