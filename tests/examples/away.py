"""A profile: an answering machine. Where no model is set it says one sentence, to everybody, until the owner writes."""

from datetime import timedelta

from secondme.domain.profile import OnRateLimit, Profile, Takes

AWAY = Profile(
    name="away",
    takes=Takes.BURST,
    debounce=timedelta(seconds=5),
    debounce_cap=timedelta(minutes=1),
    new_contacts_enabled=True,
    rate_limit=5,
    on_rate_limit=OnRateLimit.PAUSE,
    owner_word_pause=timedelta(days=7),
    answer_within=timedelta(hours=24),
    content_window=timedelta(hours=1),
    when_mind_fails="I am away until Monday and will write back then.",
    says_when_offline="I am away until Monday and will write back then.",
    quotes_when_overtaken=False,
    quote_after=timedelta(seconds=10),
    quote_behind=1,
    recalls=20,
    facts=12,
    recall_tokens=5_500,
    keeps_quiet_hours=True,
    prompt="clone",
)
