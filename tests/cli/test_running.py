"""Every command beside a running `up --demo`, in the order of this file: one instance serves them all."""

import http.cookiejar
import json
import signal
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import psutil
import pytest

from tests.cli.conftest import LENA, RUNNING, Instance, Running


@pytest.fixture(scope="module")
def up(shared: Instance) -> Iterator[Running]:
    with shared.start("up", "--demo") as running:
        running.until(RUNNING)
        yield running


@pytest.fixture(scope="module")
def one(shared: Instance, up: Running) -> Instance:
    return shared


def says(one: Instance, text: str) -> tuple[str | None, str, str]:
    found = one.json("chat", "--once", text, "--json")
    return found["reply"], found["outcome"], found["rule"]


def test_what_is_said_at_the_start(up: Running) -> None:
    said = up.said()
    assert "Learning the voice of Lena Brandt" in said
    assert "Answers   the offline mind: no model is set" in said
    assert "secondme.jsonl" in said


def opens(link: str) -> int:
    """The status of the page behind a link, cookies and redirects followed."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    try:
        with opener.open(link, timeout=10) as page:
            return int(page.status)
    except HTTPError as error:
        return error.code


def test_links_work_once(one: Instance, up: Running) -> None:
    printed = next(line.split()[1] for line in up.lines if "Open " in line)
    fresh = one.run("link").stdout.strip()
    assert printed != fresh
    assert [opens(link) for link in (printed, printed, fresh)] == [200, 401, 200]


def test_the_demo_knows_three_people(one: Instance) -> None:
    rows = {row["name"]: row for row in one.json("contacts", "--json")}
    assert {name: (row["relationship"], row["state"]) for name, row in rows.items()} == {
        "Mara Ruiz": ("friend", "enabled"),
        "Tom Okafor": ("colleague", "enabled"),
        "Dr. Jana Berg": ("client", "disabled"),
    }
    shown = one.run("contacts").stdout
    assert all(str(row["address"]) in shown for row in rows.values())


def test_a_second_start_is_refused(one: Instance, up: Running) -> None:
    assert f"process {up.process.pid}" in one.refused("up")


def test_chat_goes_through_the_gateway(one: Instance) -> None:
    reply, outcome, rule = says(one, "hey, are you there?")
    assert reply and (outcome, rule) == ("replied", "contact.enabled")
    thread = f"http://127.0.0.1:{one.port('GATEWAY_PORT')}/simulator/messages?with=chat:You"
    with urllib.request.urlopen(thread) as answer:
        lines = json.load(answer)
    assert [line["direction"] for line in lines[:2]] == ["incoming", "outgoing"]
    assert "\n".join(line["text"] for line in lines[1:]) == reply


def test_chat_talks_line_by_line(one: Instance) -> None:
    done = one.run(
        "chat", "--profile", "journal", "--as", "Ana", typed="today it rained\n\nand then it stopped\n"
    )
    assert done.stdout.splitlines() == ["journal> Noted.", "journal> Noted."]
    assert "chat:Ana" not in done.stderr  # a journal answers whoever writes; nothing had to be enabled


def test_contacts_can_be_told_apart(one: Instance) -> None:
    assert "Jana Berg" in one.run("enable", "dr. jana berg").stdout
    one.run("disable", "+1 202 555 0111")
    one.run("contact", "Tom Okafor", "--relationship", "family", "--persona", "persona-casual")
    rows = {row["name"]: row for row in one.json("contacts", "--json")}
    assert rows["Dr. Jana Berg"]["state"] == "enabled" and rows["Mara Ruiz"]["state"] == "disabled"
    assert (rows["Tom Okafor"]["relationship"], rows["Tom Okafor"]["persona"]) == ("family", "persona-casual")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["enable", "Nobody"], "secondme contacts"),
        (["contact", "Tom Okafor", "--relationship", "family", "--persona", "none"], "persona-casual"),
    ],
)
def test_what_does_not_exist_is_named_with_what_does(one: Instance, args: list[str], told: str) -> None:
    assert told in one.refused(*args)


def test_a_pause_of_one(one: Instance) -> None:
    one.run("pause", "You", "--for", "2h")
    assert says(one, "hello?") == (None, "silent", "contact.paused")
    shown = one.json("status", "--json", SECONDME_TIMEZONE="Asia/Tokyo")["pauses"]
    assert [(p["name"], p["reason"], p["until"][-6:]) for p in shown] == [("You", "manual", "+09:00")]
    assert "no longer paused" in one.run("resume", "You").stdout


def test_a_stop_of_everything(one: Instance) -> None:
    assert "Committed" in one.run("pause", "all").stdout
    assert "(no answer: everything stopped)" in one.run("chat", "--once", "really?").stdout
    assert one.json("status", "--json")["switch"]["stopped"] is True
    assert "runs again" in one.run("resume", "all").stdout
    assert says(one, "back?")[1] == "replied"


def test_status(one: Instance) -> None:
    found = one.json("status", "--json")
    assert found["offline"] and found["mind"] == "offline"
    assert [account["profile"] for account in found["accounts"]] == ["clone", "support", "journal"]
    assert all(service["answers"] for service in found["services"].values())
    assert found["dependencies"] == {"postgres": "ok", "redis": "ok", "falkordb": "ok"}
    assert found["receipts"]["silent switch.pressed"] == 1
    shown = one.run("status").stdout
    assert "silent, by switch.pressed" in shown and "answers on port" in shown


def test_a_shell_that_was_told_nothing_sees_what_runs(one: Instance) -> None:
    bare: Any = dict.fromkeys(
        ("GATEWAY_PORT", "ORCHESTRATOR_PORT", "GRAPH_WORKER_PORT", "DASHBOARD_PORT"), ""
    )
    found = one.json("status", "--json", SECONDME_MODELS="ollama:x", **bare)
    assert found["mind"] == "offline"
    assert found["services"]["dashboard"] == {"port": one.port("DASHBOARD_PORT"), "answers": True}
    assert opens(one.run("link", **bare).stdout.strip()) == 200


def test_what_doctor_finds(one: Instance) -> None:
    graph = json.loads((one.data_dir / "run" / "stores.json").read_text())["falkordb"]["port"]
    (one.data_dir / "secret.key").chmod(0o644)
    shown = one.run(
        "doctor",
        code=1,
        GATEWAY_PORT=one.env["DASHBOARD_PORT"],
        REDIS_URL="redis://127.0.0.1:1",
        FALKORDB_URL=f"redis://127.0.0.1:{graph}",
        SECONDME_MODELS="ollama:x",
        OLLAMA_BASE_URL="http://127.0.0.1:1",
    ).stdout
    (one.data_dir / "secret.key").chmod(0o600)
    assert "the orchestrator answers" in shown
    wrong = [line.split("  ")[1].strip() for line in shown.splitlines() if "MEND" in line]
    assert wrong == ["secret key", "mind", "redis", "falkordb", "port of the gateway"]
    assert all(word in shown for word in ("chmod 600", "correct REDIS_URL", "NOAUTH", "FALKORDB_PASSWORD"))
    assert all(word in shown for word in ("OLLAMA_BASE_URL", "set GATEWAY_PORT"))


def test_an_import_while_it_runs(one: Instance) -> None:
    shown = one.run("import", str(LENA), "--me", "Lena Brandt", "--keep-voice", "--no-model").stdout
    assert "Read 1,932 messages" in shown and "were known already" in shown
    assert "Emoji" in shown and "Remembered" in shown


def test_another_way_of_speaking_alone(one: Instance) -> None:
    said = one.run("contact", "Ana", "--persona", "casual").stdout
    assert "acquaintance, answered by the persona persona-casual" in said


def test_export_and_forget(one: Instance) -> None:
    found = one.json("export", "Ana")
    assert [line["text"] for line in found["messages"]["journal"] if line["by"] == "contact"] == [
        "today it rained",
        "and then it stopped",
    ]
    assert "say `secondme forget CONTACT --yes`" in one.refused("forget", "Ana")
    shown = one.run("forget", "Ana", "--yes").stdout
    assert "2 messages" in shown
    assert "1 imported chat" in shown and "import it again without --keep-voice" in shown
    shown = one.run("import", str(LENA), "--me", "Lena Brandt", "--no-model").stdout
    assert "Taken back: " in shown


def test_a_reset_is_refused_while_it_runs(one: Instance) -> None:
    assert "stop it first" in one.refused("db", "reset")


def test_a_dead_store_comes_back(one: Instance, up: Running) -> None:
    head = int((one.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    psutil.Process(head).kill()
    deadline = time.monotonic() + 20
    while _head(one) in (0, head):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert says(one, "still there?")[1] == "replied"


def _head(one: Instance) -> int:
    try:
        return int((one.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError):
        return 0


def test_ctrl_c_ends_everything(one: Instance, up: Running) -> None:
    assert up.stop(signal.SIGINT) == 0
    assert "Stopped." in up.said()
    assert one.gone() == []
