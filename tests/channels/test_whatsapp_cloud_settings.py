"""What Meta's channel needs is named at once, and an account's own words come before the variables."""

from typing import Any

import pytest

from secondme.channels.whatsapp_cloud import Number
from secondme.domain.errors import ConfigError
from secondme.meaning import in_its_own_words, make_accounts, make_numbers, paces, windowed
from secondme.pipeline.limits import metas
from secondme.settings import Settings

WHOLE = {
    "channel": "whatsapp_cloud",
    "whatsapp_phone_number_id": "1065",
    "whatsapp_permanent_token": "token",
    "whatsapp_verify_token": "verify",
    "whatsapp_app_secret": "secret",
}


def made(**values: Any) -> Settings:
    return Settings.model_validate(values)


def test_everything_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        make_accounts(made(channel="whatsapp_cloud"))
    for name in ("PHONE_NUMBER_ID", "PERMANENT_TOKEN", "VERIFY_TOKEN", "APP_SECRET"):
        assert f"WHATSAPP_{name}" in str(raised.value)


def test_the_business_of_an_account_is_the_one_named_or_its_number_alone() -> None:
    accounts = [
        {"id": "shop", "channel": "whatsapp_cloud", "phone_number_id": "1"},
        {"id": "diary", "channel": "whatsapp_cloud", "phone_number_id": "2", "business_account_id": "77"},
        {"id": "play", "channel": "simulator"},
    ]
    for general, scopes in (
        ({}, ["1", "77", ""]),
        ({"whatsapp_business_account_id": "55"}, ["55", "77", ""]),
    ):
        made_of = make_accounts(made(accounts=accounts, **WHOLE | general))
        assert [account.scope for account in made_of.values()] == scopes


@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"channel"}))
def test_without_one_of_them_nothing_starts(name: str) -> None:
    with pytest.raises(ConfigError, match=name.upper()):
        make_accounts(made(**{key: value for key, value in WHOLE.items() if key != name}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phone_number_id", "+49 170 1234567"),
        ("permanent_token", "EAAtoken\nEAAtail"),
        ("app_secret", "two words"),
    ],
)
def test_what_was_copied_wrong_is_named_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"WHATSAPP_{name.upper()} must have") as raised:
        make_accounts(made(**WHOLE | {f"whatsapp_{name}": value}))
    assert value not in str(raised.value)


def test_what_is_wrong_with_several_accounts_is_named_at_once_and_by_its_place() -> None:
    """Missing, copied wrong, and twice the same: what the file holds by its field, what it lacks by both names."""
    accounts = [
        {"id": "shop", "channel": "whatsapp_cloud", "phone_number_id": "1", "app_secret": "two words"},
        {"id": "diary", "channel": "whatsapp_cloud", "phone_number_id": "1", "app_secret": "whole"},
        {"id": "desk", "channel": "whatsapp_cloud", "phone_number_id": "x", "app_secret": "whole"},
    ]
    general = {"whatsapp_permanent_token": "to ken"}
    with pytest.raises(ConfigError) as raised:
        make_numbers(made(**general, accounts=accounts))
    said = raised.value.problems
    assert [problem.split(" must ")[0].split(" is missing")[0] for problem in said[:-1]] == [
        "WHATSAPP_PERMANENT_TOKEN",
        "accounts[0].verify_token (account shop)",
        "accounts[0].app_secret (account shop)",
        "accounts[1].verify_token (account diary)",
        "accounts[2].phone_number_id (account desk)",
        "accounts[2].verify_token (account desk)",
    ]
    assert "or WHATSAPP_VERIFY_TOKEN for all accounts" in said[1]
    assert said[-1].startswith("Accounts shop and diary have one phone_number_id")


def test_a_number_of_the_environment() -> None:
    settings = made(**WHOLE)
    number = make_numbers(settings)["main"]
    assert number == Number("main", "1065", "token", "verify", "secret", "https://graph.facebook.com")
    assert number.url == "https://graph.facebook.com/v23.0/1065"
    accounts = make_accounts(settings).values()
    assert windowed(accounts) == {"main"}
    assert paces(settings) == {"main": metas(80)}


def test_a_number_beside_the_business_app_has_a_pace_of_its_own() -> None:
    shop = {"id": "shop", "channel": "whatsapp_cloud", "phone_number_id": "1066", "messages_per_second": 20}
    diary = {"id": "diary", "channel": "whatsapp_cloud"}
    accounts = [shop, diary, {"id": "phone"}]
    assert paces(made(**WHOLE, accounts=accounts)) == {"shop": metas(20), "diary": metas(80)}
    general = made(**WHOLE, accounts=accounts, whatsapp_messages_per_second="30")
    assert paces(general) == {"shop": metas(20), "diary": metas(30)}
    for wrong in (0, 1001, "many"):
        with pytest.raises(ValueError, match="messages_per_second"):
            made(**WHOLE, whatsapp_messages_per_second=wrong)
        with pytest.raises(ValueError, match="messages_per_second"):
            made(**WHOLE, accounts=[shop | {"messages_per_second": wrong}])


@pytest.mark.parametrize("base", ["http://127.0.0.1:9/v25.0", "http://127.0.0.1:9/v25.0/"])
def test_a_version_of_ones_own(base: str) -> None:
    settings = made(**WHOLE, whatsapp_api_base_url=base)
    assert make_numbers(settings)["main"].url == "http://127.0.0.1:9/v25.0/1065"
    assert "WHATSAPP_API_BASE_URL" not in settings.providers


@pytest.mark.parametrize("variable", ["WHATSAPP_API_BASE_URL", "SIMULATOR_API_BASE_URL"])
@pytest.mark.parametrize(
    "base",
    [
        "graph.facebook.com",
        "//graph.facebook.com",
        "ftp://graph.facebook.com",
        "https://",
        "https://:443",
        "https://host:99999999",
        "https://host:0",
        "https://ho st",
        "https://host\\@other",
        "https://user:CANARY@host",
        "https://CANARY@host/v23.0",
        "https://host/v23.0?access_token=CANARY",
        "https://host/#CANARY",
    ],
)
def test_an_address_that_is_none_is_named_and_not_shown(variable: str, base: str) -> None:
    channel = "simulator" if variable.startswith("SIM") else "whatsapp_cloud"
    settings = made(**WHOLE | {"channel": channel, variable.lower(): base})
    with pytest.raises(ConfigError, match=rf"^{variable} must be http\(s\)://HOST") as raised:
        make_accounts(settings)
    assert "CANARY" not in str(raised.value)
    other = "whatsapp_cloud" if channel == "simulator" else "simulator"
    make_accounts(made(**WHOLE | {"channel": other, variable.lower(): base}))


def test_several_numbers_in_the_file() -> None:
    shop = {"id": "shop", "channel": "whatsapp_cloud", "phone_number_id": 1066, "app_secret": "other"}
    diary = {"id": "diary", "channel": "whatsapp_cloud", "phone_number_id": "1067"}
    phone = {"id": "phone"}
    settings = made(**WHOLE, accounts=[shop, diary, phone])
    numbers = make_numbers(settings)
    assert {n.account_id: (n.phone_number_id, n.app_secret, n.token) for n in numbers.values()} == {
        "shop": ("1066", "other", "token"),
        "diary": ("1067", "secret", "token"),
    }
    assert windowed(make_accounts(settings).values()) == {"shop", "diary"}


def test_two_accounts_cannot_have_one_number() -> None:
    accounts = [{"id": name, "channel": "whatsapp_cloud"} for name in ("shop", "diary")]
    with pytest.raises(ConfigError, match="phone_number_id of its own"):
        make_numbers(made(**WHOLE, accounts=accounts))


def test_what_meta_refuses_is_told_of_the_place_where_it_stands() -> None:
    shop = {"id": "shop", "channel": "whatsapp_cloud", "app_secret": "other"}
    told = "Correct WHATSAPP_APP_SECRET, WHATSAPP_PERMANENT_TOKEN and WHATSAPP_BUSINESS_ACCOUNT_ID."
    places = (
        "accounts[0].app_secret (account shop), WHATSAPP_PERMANENT_TOKEN and accounts[0].business_account_id"
    )
    for settings, account, said in (
        (made(**WHOLE, accounts=[shop]), "shop", f"Correct {places} (account shop)."),
        (made(**WHOLE), "main", told),
    ):
        with pytest.raises(ConfigError) as raised, in_its_own_words(settings, account):
            raise ConfigError(told)
        assert str(raised.value) == said


def test_a_secret_is_compared_whole() -> None:
    number = make_numbers(made(**WHOLE))["main"]
    assert number.verifies("verify")
    assert not any(number.verifies(wrong) for wrong in ("", "verif", "verify ", "VERIFY", "ü"))
