"""On which day a feast falls."""

import re
from datetime import date, timedelta
from functools import cache

_SPEC = re.compile(
    r"(?:(?P<month>\d\d)-(?P<day>\d\d)|easter(?P<easter>[+-]\d+)|in:(?P<indian>[^+]+?)(?P<shift>[+-]\d+)?)\??"
)


@cache
def feast_day(spec: str, year: int) -> date | None:
    """The day in a year, as feasts.txt says it; None of a season, or where nobody has worked it out."""
    found = _SPEC.fullmatch(spec)
    if found is None:
        return None
    if found["month"]:
        return date(year, int(found["month"]), int(found["day"]))
    if found["easter"]:
        day = _named("PT", year).get("Páscoa")
        return day + timedelta(int(found["easter"])) if day else None
    named = _named("IN", year)
    day = next((day for name, day in sorted(named.items()) if name.startswith(found["indian"])), None)
    return day + timedelta(int(found["shift"] or 0)) if day else None


@cache
def _named(country: str, year: int) -> dict[str, date]:
    import holidays  # here: it takes a fifth of a second, and few messages name a feast

    kinds = ("public", "optional") if country == "IN" else ("public",)
    found = holidays.country_holidays(
        country, years=year, categories=kinds, language="pt_PT" if country == "PT" else "en_IN"
    )
    return {name: day for day, names in found.items() for name in names.split("; ")}
