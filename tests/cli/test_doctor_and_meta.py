"""`up`, `doctor`, `models`, `send` and `chat` around a gateway that Meta posts to, in the order of this file."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.cli.conftest import RUNNING, Instance, Running
from tests.stubs.meta_driver import Meta
from tests.stubs.meta_graph import ACCOUNT_ID, PHONE_NUMBER_ID
from tests.stubs.processes import meta_network

WRONG = "0123456789abcdef0123456789abcdef"
OTHERS: Any = json.dumps(
    [
        {
            "id": "shop",
            "channel": "whatsapp_cloud",
            "profile": "journal",
            "phone_number_id": PHONE_NUMBER_ID,
            "business_account_id": ACCOUNT_ID,
        },
        {"id": "diary", "channel": "whatsapp_cloud", "profile": "journal", "phone_number_id": "999"},
    ]
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with meta_network(tmp_path_factory.mktemp("meta") / "log") as url:
        yield url


@pytest_asyncio.fixture
async def meta(base: str, shared: Instance) -> AsyncIterator[Meta]:
    async with Meta(base) as opened:
        await opened.control(gateway=gateway(shared))
        yield opened


def gateway(instance: Instance) -> str:
    return f"http://127.0.0.1:{instance.port('GATEWAY_PORT')}"


@pytest.fixture(scope="module")
def mistaken(shared: Instance, base: str) -> Iterator[Running]:
    """One that was given another app's secret."""
    shared.env |= Meta(base).settings() | {"SECONDME_PROFILE": "journal", "SECONDME_MODELS": "offline"}
    with shared.start("up", WHATSAPP_APP_SECRET=WRONG) as running:
        running.until(RUNNING)
        yield running


@pytest.fixture(scope="module")
def mended(shared: Instance, base: str) -> Iterator[Running]:
    """One with the right secret and a second number, whose id is mistyped."""
    with shared.start("up", ACCOUNTS=OTHERS) as running:
        running.until(RUNNING)
        yield running


def found(instance: Instance, code: int, **env: str) -> dict[str, tuple[str, str]]:
    """What doctor says, and whether, by what it looked at."""
    rows: dict[str, tuple[str, str]] = {}
    what = ""
    shown = instance.run("doctor", code=code, typed="", **env).stdout
    print(shown)  # for whoever has to mend a test
    for line in shown.splitlines():
        if row := re.match(r" (ok|MEND|\?) +(\S.*?)  +(\S.*)", line):
            what = row[2]
            rows[what] = (row[1], row[3].strip())
        elif what and line.startswith("   "):
            rows[what] = (rows[what][0], f"{rows[what][1]} {line.strip()}")
    return rows


def test_the_start_says_what_to_enter_at_meta(shared: Instance, mistaken: Running) -> None:
    said = "\n".join(mistaken.lines)
    assert f"/webhooks/whatsapp on port {shared.port('GATEWAY_PORT')}" in said
    assert "https://YOUR.HOST/webhooks/whatsapp, verify token as in WHATSAPP_VERIFY_TOKEN" in said
    assert "fields messages and, with the Business app, smb_message_echoes" in said
    assert "secondme doctor" in mistaken.until("To mend: channel of main: refused (100).")


def test_another_verify_token_is_told(shared: Instance, mistaken: Running) -> None:
    asked = "hub.mode=subscribe&hub.verify_token=guess&hub.challenge=1"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{gateway(shared)}/webhooks/whatsapp?{asked}")
    state, said = found(shared, 1, WHATSAPP_APP_SECRET=WRONG)["webhooks"]
    assert state == "MEND" and "1 question with another verify token since" in said
    assert "WHATSAPP_VERIFY_TOKEN" in said


async def test_a_wrong_app_secret_is_told_by_meta_and_by_what_was_refused(
    shared: Instance, mistaken: Running, meta: Meta
) -> None:
    answers = (await meta.deliver([{"kind": "text", "from": "15550100001", "text": "x"}], patience=0))[
        "answers"
    ]
    assert [status for status, _ in answers] == [401]
    rows = found(shared, 1, WHATSAPP_APP_SECRET=WRONG)
    assert rows["settings in use"] == ("ok", "the running instance has the same as this shell")
    state, said = rows["channel of main"]
    assert state == "MEND" and "WHATSAPP_APP_SECRET is not the secret of the app that made" in said
    state, said = rows["webhooks"]
    assert state == "MEND" and said.startswith("1 post with a bad signature since")
    assert "WHATSAPP_APP_SECRET is not the secret of the app that posts" in said
    assert rows["verify token of main"] == ("ok", "the gateway takes it")
    troubles = ["channel of main: refused (100)", "webhooks: 1 with a bad signature, none with a good one"]
    assert shared.json("status", "--json")["troubles"] == troubles
    shown = shared.run("status").stdout
    assert all(
        one in shown for one in (*troubles, "0 with a good signature, 1 with a bad one", "refused (100)")
    )


def test_another_shell_is_told_that_it_has_other_settings(shared: Instance, mistaken: Running) -> None:
    """By their names; the running gateway is not asked with what it cannot know."""
    more = {
        "SECONDME_MODELS": "ollama:x",
        "OLLAMA_BASE_URL": "http://127.0.0.1:1",
        "WHATSAPP_VERIFY_TOKEN": "CANARY",
    }
    rows = found(shared, 1, **more)
    names = "OLLAMA_BASE_URL, SECONDME_MODELS, WHATSAPP_APP_SECRET, WHATSAPP_VERIFY_TOKEN"
    assert rows["settings in use"][0] == "?" and f"than this shell: {names}." in rows["settings in use"][1]
    assert rows["channel of main"][0] == "ok" and rows["verify token of main"][0] == "?"
    assert not {"CANARY", WRONG} & set(str(rows).split())
    said = shared.run("models", code=0, typed="", WHATSAPP_APP_SECRET=WRONG, **more).stderr
    assert "other settings than this shell (OLLAMA_BASE_URL, SECONDME_MODELS, WHATSAPP_VERIFY_TOKEN)" in said
    assert "there offline answers" in said
    said = shared.run("models", code=0, typed="", WHATSAPP_APP_SECRET=WRONG).stderr
    assert "this shell" not in said
    note = Path(shared.data_dir / "run" / "standing.json")
    assert note.stat().st_mode & 0o777 == 0o600 and WRONG not in note.read_text()


def test_an_order_that_does_not_leave_says_why(shared: Instance, mistaken: Running) -> None:
    done = shared.run("send", "+15550100009", "--template", "hello", code=3)
    assert "not sent yet: channel of main: refused (100), see `secondme doctor`." in done.stdout
    assert "The running instance has other settings than this shell: WHATSAPP_APP_SECRET." in done.stderr


def test_chat_says_that_it_is_a_simulated_phone(shared: Instance, mistaken: Running) -> None:
    for args in ([], ["--profile", "journal"]):
        done = shared.run("chat", *args, code=1)
        assert "The running instance has other settings than this shell: WHATSAPP_APP_SECRET." in done.stderr
        said = shared.refused("chat", *args, typed="", WHATSAPP_APP_SECRET=WRONG)
        assert "than this shell" not in said
        assert "no account here is on the simulator" in said and "channel: simulator" in said
    mistaken.stop()


async def test_a_mistyped_number_is_told_once_somebody_wrote_to_it(
    shared: Instance, mended: Running, meta: Meta
) -> None:
    stray = {"kind": "text", "from": "15550100002", "text": "CANARY", "number": "555"}
    await meta.says("hi")
    await meta.sent(stray)
    rows = found(shared, 1, ACCOUNTS=OTHERS)
    assert [what for what, (state, _) in rows.items() if state == "MEND"] == [
        "channel of diary",
        "other numbers",
    ]
    assert (
        rows["subscription of shop"][0] == "ok"
        and "is subscribed to the WhatsApp" in rows["subscription of shop"][1]
    )
    assert rows["verify token of shop"] == rows["verify token of diary"] == ("ok", "the gateway takes it")
    assert rows["webhooks"][1].startswith("2 posts with a good signature")
    said = rows["other numbers"][1]
    assert said.startswith("1 message to a number that is not set up here (phone_number_id 555)")
    assert "accounts[0].phone_number_id (account shop) or accounts[1].phone_number_id (account diary)" in said
    await meta.says("hi again")
    said = found(shared, 1, ACCOUNTS=OTHERS)["other numbers"][1]
    assert "shop" not in said and "accounts[1].phone_number_id (account diary) is likely wrong" in said
    assert "CANARY" not in str(rows)


def test_send_asks_for_the_account_also_where_this_shell_knows_one_alone(
    shared: Instance, mended: Running
) -> None:
    for env in ({}, {"ACCOUNTS": OTHERS}):
        said = shared.refused("send", "+15550100001", "--template", "x", **env)
        assert said == "secondme: Say from which account, by --account: shop, diary."
    mended.stop()
    said = shared.refused("send", "+15550100001", "--template", "x", ACCOUNTS=OTHERS)
    assert said.endswith("Say from which account, by --account: shop, diary.")
