"""The support desk in its first form: answers a burst at once, hands over when the mind cannot."""

from datetime import timedelta

from secondme.domain.profile import OnRateLimit, Profile, Takes

HAND_OVER = "Thanks for writing. I have passed this on; a person will answer you here."

SUPPORT = Profile(
    name="support",
    takes=Takes.BURST,
    debounce=timedelta(seconds=1.5),
    debounce_cap=timedelta(seconds=10),
    new_contacts_enabled=True,
    rate_limit=10,
    on_rate_limit=OnRateLimit.THROTTLE,
    owner_word_pause=timedelta(minutes=60),
    answer_within=timedelta(hours=24),
    content_window=None,
    when_mind_fails=HAND_OVER,
    says_when_offline=HAND_OVER,
    quotes_when_overtaken=True,
    quote_after=timedelta(seconds=10),
    quote_behind=1,
    recalls=20,
    facts=12,
    recall_tokens=5_500,
    keeps_quiet_hours=False,
    prompt="support",
)
