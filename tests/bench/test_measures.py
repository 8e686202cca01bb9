"""The sections: what they make of what they see, and one small run of each that starts the product."""

import hmac
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path

import aiohttp
import asyncpg
import psutil
import pytest

from secondme.bench import accepts, bell, demo, imports, ingest, replies, run, voices, worker
from secondme.bench.lab import BenchFailed, Lab, environment, program
from secondme.bench.load import Post
from secondme.bench.machine import Watch, seconds
from secondme.bench.peers import Peers
from secondme.bench.product import started
from secondme.bench.reading import alone
from secondme.bench.replies import Reply, added
from secondme.domain.errors import Invalid
from secondme.embedded.processes import find

AT = datetime(2026, 5, 1, tzinfo=UTC)
META = {
    "object": "whatsapp_business_account",
    "entry": [
        {
            "id": "102290129340398",
            "changes": [
                {
                    "field": "messages",
                    "value": {
                        "messaging_product": "whatsapp",
                        "metadata": {
                            "display_phone_number": "15550783881",
                            "phone_number_id": "106540352242922",
                        },
                        "contacts": [{"profile": {"name": "Sheena"}, "wa_id": "919800000001"}],
                        "messages": [
                            {
                                "from": "919800000001",
                                "id": "wamid.BENCH1",
                                "timestamp": "1749416383",
                                "type": "text",
                                "text": {"body": "hey are we still on"},
                            }
                        ],
                    },
                }
            ],
        }
    ],
}
PRINTED = """\
universal regex + datetime (android): 0.45s  200000 msgs  444,000/s  maxrssMB=120
universal regex + datetime (android): 0.50s  200000 msgs  400,000/s  maxrssMB=120
whatstk given hformat (ios.txt) FAIL KeyError "None of them"
whatstk auto-header (ios.txt): 7.40s  200000 msgs  27,026/s  maxrssMB=168
"""


def reply(*ms: float) -> Reply:
    return Reply(*(AT + timedelta(milliseconds=m) for m in (0, *ms)))


def test_added_times_count_from_when_a_message_was_due() -> None:
    due = AT.timestamp() - 0.1
    pairs = [(Post("a", due, 5.0, 200), reply(3, 5, 9))] * 3
    whole, inside, trip = added(pairs, "")
    assert whole.value == pytest.approx(109, abs=0.1)
    assert inside.value == pytest.approx(9, abs=0.1)
    assert trip.value == 5
    assert "to composed 3.0, to the fence 2.0, to sent 4.0" in inside.note


def test_a_reply_that_never_left_is_never_quick() -> None:
    lost = Reply(AT, AT, None, None)
    post = Post("a", AT.timestamp(), 1.0, 200)
    whole, inside, _ = added([(post, reply(1, 2, 3)), (post, lost), (post, None)], "")
    assert whole.value == inside.value == inf
    assert whole.met is False and "never answered 2" in whole.note


def test_the_best_of_a_peer_counts() -> None:
    assert imports.rates(PRINTED) == {
        ("universal regex + datetime", "android"): 444_000,
        ("whatstk auto-header", "ios"): 27_026,
    }


async def test_an_invented_chat_is_read_whole(tmp_path: Path) -> None:
    chat = tmp_path / "chat.txt"
    imports.write_chat(chat, 500)
    found = await alone(chat, 1)
    assert found.messages == 500
    assert found.seconds > 0 and found.megabytes > 1


async def test_imports_are_measured_without_peers(tmp_path: Path) -> None:
    beside, rate, flat = await imports.measure(Lab(tmp_path), messages=2000)
    assert beside.value is None and "needs PEERS" in beside.note
    assert rate.value
    assert flat.met is True and "20,000" in flat.note


async def test_voices_are_measured_for_both_owners(tmp_path: Path) -> None:
    rows = await voices.measure(Lab(tmp_path))
    assert [row.name.rsplit(" to ")[1] for row in rows] == ["Lena Brandt", "Viktor Hale"]
    assert all(row.detail["low"] <= row.detail["margin"] <= row.detail["high"] for row in rows)


def test_cpu_of_children_that_ended_is_counted() -> None:
    me = psutil.Process()
    before = seconds([me], ended=True) - seconds([me])
    subprocess.run([sys.executable, "-c", "sum(range(5_000_000))"], check=True)
    assert seconds([me], ended=True) - seconds([me]) > before


def test_noise_is_never_negative() -> None:
    noise = Watch().stop()
    assert noise.others >= 0 and noise.load >= 0


def test_programs_get_nothing_of_the_owners_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("SECONDME_MODELS", "openai:x")
    found = environment(GATEWAY_PORT="1")
    assert found["GATEWAY_PORT"] == "1" and found["PATH"] == os.environ["PATH"]
    assert not {"OPENAI_API_KEY", "SECONDME_MODELS"} & set(found)


async def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="no such luck"):
        await program([sys.executable, "-c", "raise SystemExit('no such luck')"], tmp_path, 20)


async def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        await program([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, 0.2)


async def test_a_product_that_does_not_start_says_why(tmp_path: Path) -> None:
    async with started(["up"], tmp_path / "data", {"SECONDME_PROFILE": "parrot"}) as product:
        with pytest.raises(BenchFailed, match="PROFILE"):
            await product.answers()


def test_what_cannot_be_measured_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="replies, demo"):
        run(None, only=["speed"])
    with pytest.raises(Invalid, match=r"imp\.py"):
        run(tmp_path)
    with pytest.raises(Invalid, match="folder is not there"):
        run(None, into=tmp_path / "nowhere" / "out.json")


async def test_every_reply_of_a_small_load_is_timed(scratch: Path) -> None:
    rows = await replies.measure(Lab(scratch), rate=20, seconds=1, warm=0.5)
    whole, inside, trip, ours, postgres = rows
    assert "refused 0" in whole.note and "never answered 0" in whole.note
    assert whole.value and inside.value and 0 < inside.value <= whole.value < inf
    assert trip.value and ours.value and postgres.value
    assert whole.noise
    assert not any(find(scratch / "replies" / store) for store in ("postgres", "redis", "falkordb"))


async def test_accepts_are_what_the_ledger_confirms(scratch: Path) -> None:
    (row,) = await accepts.measure(Lab(scratch), seconds=0.5, warm=0.2)
    assert row.detail["durable"] == row.detail["answered"] > 0
    assert "otherwise 0" in row.note


async def test_the_demo_is_opened_as_a_person_would(scratch: Path) -> None:
    empty, known, memory = await demo.measure(Lab(scratch), idle=0)
    assert empty.value and known.value
    assert memory.value is None or set(memory.detail) == {"secondme", "postgres", "redis", "falkordb"}


async def test_a_backlog_and_a_flight_are_answered_whole(scratch: Path) -> None:
    cost, added, memory, whole, burst, beside = await worker.measure(
        Lab(scratch), backlog=30, rounds=1, flight=20, thinks=0.2
    )
    assert cost.value and added.value and whole.value and burst.value
    assert all(0 < row.value < inf for row in (cost, added, whole, burst) if row.value)
    assert memory.value is not None and memory.value < inf
    assert "needs PEERS" in beside.note
    assert not any(find(scratch / "worker" / "data" / store) for store in ("postgres", "redis", "falkordb"))


async def test_every_bell_of_a_small_load_leads_to_a_claim(scratch: Path) -> None:
    times, beside = await bell.measure(Lab(scratch), rate=50, count=20, rounds=1)
    assert times.value is not None and 0 <= times.value < inf
    assert "needs PEERS" in beside.note


async def test_a_signed_webhook_is_counted_where_it_is_measured(scratch: Path) -> None:
    body = json.dumps(META).encode()
    signed = "sha256=" + hmac.new(b"appsecret", body, "sha256").hexdigest()
    async with (
        started(["gateway"], scratch / "ingest", ingest.SETTINGS) as product,
        aiohttp.ClientSession() as session,
    ):
        await product.answers()
        url = f"http://127.0.0.1:{product.gateway}/webhooks/whatsapp"
        for _ in range(2):  # the second is a duplicate
            async with session.post(url, data=body, headers={"X-Hub-Signature-256": signed}) as answer:
                assert answer.status == 200
        connection = await asyncpg.connect(product.database_url)
        assert await connection.fetchval(ingest.ROWS) == 1
        for statement in ingest.CLEAR:
            await connection.execute(statement)
        assert await connection.fetchval(ingest.ROWS) == 0
        await connection.close()


async def test_peers_that_are_not_there_are_named(tmp_path: Path) -> None:
    (row,) = await ingest.measure(Lab(tmp_path))
    assert row.value is None and "needs PEERS" in row.note
    said = await Peers(tmp_path).missing("no-such-tool")
    assert said == "no-such-tool not installed" or "node" in (said or "")
    assert await Peers(tmp_path).missing() is not None
