"""Settings: lengths of time, quiet hours, the file below the environment, and everything wrong named at once."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from secondme.domain.errors import ConfigError
from secondme.loading import WrongSettings, load, secrets_in
from secondme.meaning import SERVING, make_accounts
from secondme.settings import Settings, parse_duration, schema


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests, and no file of theirs."""
    names = {name.upper() for name in Settings.model_fields}
    names |= {field.alias for field in Settings.model_fields.values() if field.alias}
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def written(text: str) -> Settings:
    Path("secondme.yaml").write_text(text)
    return load()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("10min", 600),
        ("2h", 7200),
        ("7d", 604_800),
        ("250ms", 0.25),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        (" 2 H ", 7200),
        ("1.5h", 5400),
        ("0", 0),
        ("45", 45),
        ("2.5", 2.5),
    ],
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "soon", "-5m", "5 apples", "m", "1h30", "1,5h", "٥m", "1e9", "inf", "nan", "2hh"]
)
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="90s, 10m, 2h or 7d"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["9" * 20 + "d", "9" * 400])
def test_a_length_beyond_all_calendars_is_named_like_any_other(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SECONDME_DEBOUNCE", text)
    with pytest.raises(ConfigError, match="SECONDME_DEBOUNCE"):
        load()


@pytest.mark.parametrize(
    ("text", "start", "end", "skip"),
    [
        ("23:00-07:00", time(23), time(7), False),
        ("7:05 - 8:30", time(7, 5), time(8, 30), False),
        ("22:30-06:15 skip", time(22, 30), time(6, 15), True),
        ("00:00-23:59", time(0), time(23, 59), False),
    ],
)
def test_quiet_hours(monkeypatch: pytest.MonkeyPatch, text: str, start: time, end: time, skip: bool) -> None:
    monkeypatch.setenv("SECONDME_QUIET_HOURS", text)
    quiet = load().quiet_hours
    assert quiet is not None
    assert (quiet.start, quiet.end, quiet.skip) == (start, end, skip)


@pytest.mark.parametrize(
    "text", ["25:00-07:00", "23:60-07:00", "at night", "23-7", "23:00-07:00 hold", "٢٣:٠٠-٠٧:٠٠"]
)
def test_what_is_no_quiet_hours(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SECONDME_QUIET_HOURS", text)
    with pytest.raises(ConfigError, match="SECONDME_QUIET_HOURS"):
        load()


def test_everything_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "SECONDME_PROFILE": "twin",
        "SECONDME_CHANNEL": "pigeon",
        "SECONDME_DEBOUNCE": "soon",
        "SECONDME_RATE_LIMIT": "-1",
        "SECONDME_QUIET_HOURS": "at night",
        "SECONDME_TIMEZONE": "Mars/Olympus",
        "SECONDME_RETENTION": "a while",
        "SECONDME_PACING": "robot",
        "SECONDME_NEW_CONTACTS": "maybe",
        "GATEWAY_PORT": "front door",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as refusal:
        load()
    said = str(refusal.value)
    assert [name for name in wrong if name not in said] == []
    assert "\n" not in said


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDME_PROFILE", "journal")
    monkeypatch.setenv("GATEWAY_PORT", "4001")
    settings = written("profile: support\ngateway_port: 5001\nrate_limit: 3\n")
    assert (settings.profile, settings.gateway_port, settings.rate_limit) == ("journal", 4001, 3)


@pytest.mark.parametrize("name", ["debounce", "DEBOUNCE", "secondme_debounce", "SECONDME_DEBOUNCE"])
def test_the_file_takes_a_settings_name_or_its_variable(name: str) -> None:
    assert written(f"{name}: 4s\n").debounce == timedelta(seconds=4)


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDME_PROFILE", "")
    assert written("profile: support\n").profile == "support"


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file_sets_nothing(text: str) -> None:
    assert written(text).profile == "clone"


@pytest.mark.parametrize("text", ["- a list\n", "just words\n", "profile: [unclosed\n", "\x00", "1: 2\n"])
def test_a_file_that_holds_no_settings_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"secondme\.yaml") as refusal:
        written(text)
    assert "\n" not in str(refusal.value)


def test_what_is_wrong_with_a_file_is_told_without_what_stands_in_it() -> None:
    with pytest.raises(ConfigError, match=r"line 1, column") as refusal:
        written("whatsapp_permanent_token: EAASECR: x\n")
    assert "EAASECR" not in str(refusal.value)


def test_a_name_that_no_setting_has_is_not_passed_over() -> None:
    with pytest.raises(ConfigError, match=r"quiet_hour: unknown; did you mean quiet_hours\?"):
        written("profile: clone\nquiet_hour: 23:00-07:00\n")


def test_unknown_names_are_told_together_wherever_they_stand_with_whatever_else_is_wrong() -> None:
    """In one go: the file's own, and what accounts and models lack without what was misspelt."""
    Path("secondme.yaml").write_text(
        "quiet_hour: 1\nTimezone: Mars\nxyz: 1\nquiet_hours: {start: '23:00', end: '25:00', skipp: true}\n"
        "accounts:\n"
        "  - {id: shop, channel: whatsapp_cloud, phone_nubmer_id: '1', verify_token: v, app_secret: s}\n"
        "  - {id: diary, chanel: simulator, profile: jornal}\n"
        "models:\n  - {model: 'groq:a', temprature: 1}\n  - {model: 'anthropic:b', max_tokens: 1}\n"
    )
    with pytest.raises(WrongSettings) as refused:
        load(checks=SERVING)
    assert sorted(problem.split(";")[0].removesuffix(".") for problem in refused.value.problems) == sorted(
        [
            "quiet_hour: unknown",
            "xyz: unknown",
            "Timezone: 'Mars' is no time zone",
            "quiet_hours.skipp: unknown",
            "quiet_hours.end: in a valid time format, hour value is outside expected range of 0-23",
            "accounts[0].phone_nubmer_id: unknown",
            "accounts[1].chanel: unknown",
            "accounts[1].profile: 'clone', 'support' or 'journal'",
            "accounts[0].phone_number_id (account shop) is missing: Meta's API needs it, or WHATSAPP_PHONE_NUMBER_ID"
            " for all accounts",
            "accounts[0].permanent_token (account shop) is missing: Meta's API needs it, or WHATSAPP_PERMANENT_TOKEN"
            " for all accounts",
            "models[0].temprature: unknown",
            "models[1].max_tokens: greater than or equal to 16",
            "GROQ_API_KEY is missing: groq answers nobody without a key",
            "ANTHROPIC_API_KEY is missing: anthropic answers nobody without a key",
        ]
    )
    assert "did you mean phone_number_id?" in str(refused.value)
    assert refused.value.rest.accounts[1].profile == "clone"


def test_accounts_that_nobody_can_read_are_no_reason_to_ask_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECONDME_CHANNEL", "whatsapp_cloud")
    Path("secondme.yaml").write_text("accounts: [{profile: clone}]\n")
    with pytest.raises(WrongSettings) as refused:
        load(checks=SERVING)
    assert refused.value.problems == ("accounts[0].id: is missing.",)


def test_the_name_of_a_setting_is_its_variable_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may well have a PROFILE or a TIMEZONE in their shell."""
    monkeypatch.setenv("PROFILE", "build")
    monkeypatch.setenv("TIMEZONE", "nonsense")
    assert load().profile == "clone"


def test_accounts_in_a_variable_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCOUNTS", '[{"id": "shop"}]')
    assert [account.id for account in load().accounts] == ["shop"]
    monkeypatch.setenv("ACCOUNTS", "[{id: shop}]")
    with pytest.raises(ConfigError, match=r"ACCOUNTS: this is no JSON list"):
        load()


def test_secrets_in_the_file_are_found_by_their_names() -> None:
    file = Path("secondme.yaml")
    file.write_text(
        "timezone: UTC\nopenai_api_key: k\nwhatsapp_verify_token: v\nsecret_key: s\ngroq_api_key:\n"
        "redis_url: redis://:word@host:6379\ndatabase_url: postgresql://host/name\naccounts: [{id: a, app_secret: x}]\n"
    )
    found = ["openai_api_key", "whatsapp_verify_token", "secret_key", "redis_url", "app_secret"]
    assert secrets_in(file) == found


def test_when_to_quote_is_set_for_every_account() -> None:
    accounts = make_accounts(written("quote_after: 40s\nquote_behind: 3\n"))
    profiles = [account.profile for account in accounts.values()]
    assert {(p.quote_after, p.quote_behind) for p in profiles} == {(timedelta(seconds=40), 3)}
    assert [p.name for p in profiles if p.quotes_when_overtaken] == ["support", "journal"]
    with pytest.raises(ConfigError, match=r"quote_after.*quote_behind"):
        written("quote_after: soon\nquote_behind: -1\n")


def test_accounts_come_from_the_file() -> None:
    settings = written("accounts:\n  - {id: shop, profile: support}\n  - {id: me}\n")
    assert [(a.id, a.profile, a.channel) for a in settings.all_accounts] == [
        ("shop", "support", "simulator"),
        ("me", "clone", "simulator"),
    ]


@pytest.mark.parametrize(
    "accounts",
    ["[{id: a}, {id: a}]", "[{id: 'A b'}]", "[{id: a, profil: clone}]", "[{profile: clone}]", "[7]"],
)
def test_accounts_that_cannot_be(accounts: str) -> None:
    with pytest.raises(ConfigError, match=r"(?i)account"):
        written(f"accounts: {accounts}\n")


def test_addresses_are_put_together_from_their_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_HOST", "r.example")
    monkeypatch.setenv("FALKORDB_HOST", "f.example")
    monkeypatch.setenv("FALKORDB_PORT", "6380")
    monkeypatch.setenv("FALKORDB_PASSWORD", "p")
    settings = load()
    assert settings.redis_address == "redis://r.example:6379"
    assert settings.falkordb_address == "redis://:p@f.example:6380"
    monkeypatch.setenv("REDIS_URL", "redis://other:1")
    assert load().redis_address == "redis://other:1"


def test_every_setting_is_in_the_schema() -> None:
    assert set(schema()["properties"]) == {
        field.alias or name for name, field in Settings.model_fields.items()
    }
