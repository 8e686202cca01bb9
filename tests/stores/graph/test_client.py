"""Values come back from the graph as they went; nothing that they hold is ever read as a query."""

import asyncio
import math
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from secondme.domain.errors import ConfigError, StoreUnavailable
from secondme.domain.fact import EntityType
from secondme.embedded import Addresses
from secondme.stores.graph import Graph, QueryRefused, client, values
from secondme.stores.graph.client import TooSlow
from tests.stores.graph.conftest import Outsider

QUERIES = Path(client.__file__).parent / "queries"
shared = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40) | st.text(
    "\"\\'`{}[]$;:/*-\n\r\t éनر😀", max_size=12
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
# The server answers with fifteen digits, so the very largest would come back as infinite.
REALS = st.just(0.0) | st.floats(1e-300, 1e300) | st.floats(-1e300, -1e-300)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | REALS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4) | st.lists(REALS, min_size=9)
    ),
    max_leaves=12,
)
HOSTILE = [
    '" RETURN 1 //',
    '\\" RETURN 1 //',
    '\\\\" MATCH (n) DETACH DELETE n //',
    "\\",
    '\\"',
    "\\u0022 x",
    '"} CYPHER a=1 MATCH (n) DELETE n',
    "`; MATCH (n) DETACH DELETE n",
    "$text",
    "/* */ // -- ;",
    "a\r\nGRAPH.DELETE secondme\r\n",
    "x" * 100_000,
]


def same(one: Any, other: Any) -> bool:
    """Equal, but that the server writes a real number with fifteen digits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-14)
    if isinstance(one, list | tuple) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


@shared
@given(value=VALUES)
async def test_a_value_comes_back_as_it_went(graph: Graph, value: values.Value) -> None:
    ((back,),) = await graph.run("RETURN $value", value=value)
    assert same(value, back)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_text_is_read_as_a_query(graph: Graph, outsider: Outsider, text: str) -> None:
    await graph.run("CREATE (:Word {text: $text, all: $all})", text=text, all=[text, "end"])
    found = await outsider("MATCH (w:Word) RETURN w.text, w.all")
    assert found == [[text, [text, "end"]]]
    assert await graph.run("MATCH (w:Word {text: $map.text}) RETURN count(w)", map={"text": text}) == [[1]]


@shared
@given(text=TEXTS)
async def test_text_is_kept_byte_for_byte(graph: Graph, outsider: Outsider, text: str) -> None:
    await graph.run("MERGE (w:Word {id: 1}) SET w.text = $text", text=text)
    found = await outsider("MATCH (w:Word) RETURN w.text")
    assert found == [[text]]


async def test_what_no_text_can_hold_is_replaced(graph: Graph) -> None:
    assert await graph.run("RETURN $text", text='a\0b\ud800c\udfff"') == [['a\ufffdb\ufffdc\ufffd"']]


@pytest.mark.parametrize(
    "value",
    [
        2**63,
        -(2**63) - 1,
        math.nan,
        math.inf,
        [0.5] * 20 + [math.inf],
        datetime(2026, 1, 1),
        {"a b": 1},
        {"a`b": 1},
        {"": 1},
        {"é": 1},
        {"a:1,b": 1},
        {1: 1},
        b"bytes",
        {1, 2},
        object(),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
async def test_what_the_graph_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        values.literal(value)
    with pytest.raises((ValueError, TypeError)):
        values.header({"value": [{"inner": value}]})


async def test_a_parameters_name_is_a_name(graph: Graph) -> None:
    with pytest.raises(ValueError):
        await graph.run("RETURN 1", **{"a=1 MATCH (n) DELETE n": 1})


async def test_times_and_vectors(graph: Graph) -> None:
    at = datetime(2026, 3, 29, 1, 30, 12, 900_000, timezone(timedelta(hours=-7)))
    (row,) = await graph.run(
        """RETURN localdatetime($at), date($on), localtime($clock), duration('P1DT2H'),
             vecf32($vector), localdatetime($none)""",
        at=at,
        on=date(1969, 12, 31),
        clock="23:00:00",
        vector=[0.5, -0.25],
        none=None,
    )
    assert row == [
        datetime(2026, 3, 29, 8, 30, 12, tzinfo=UTC),
        date(1969, 12, 31),
        time(23),
        timedelta(days=1, hours=2),
        [0.5, -0.25],
        None,
    ]


async def test_a_word_of_a_list_of_words_is_that_word(graph: Graph) -> None:
    assert await graph.run("RETURN $kind, $on", kind=EntityType.PERSON, on=True) == [["Person", True]]


async def test_several_at_once_meet_nobody(graph: Graph) -> None:
    at = datetime.now(UTC)

    async def one(number: int) -> None:
        before, nothing, after = await graph.transaction(
            [
                ("migrations_applied", {}),
                ("migration_done", {"id": f"t{number}", "at": at}),
                ("migrations_applied", {}),
            ]
        )
        assert nothing == []
        assert sorted([*before, [f"t{number}"]]) == after

    await asyncio.gather(*(one(number) for number in range(25)))


async def test_one_that_is_refused_among_several_is_said(graph: Graph) -> None:
    at = datetime.now(UTC)
    steps: list[tuple[str, dict[str, values.Value]]] = [("migration_done", {"id": "t1", "at": at})]
    with pytest.raises(QueryRefused, match="migration_done"):
        await graph.transaction([*steps, ("migration_done", {"id": "CANARY", "at": "no moment"})])
    assert ["t1"] in await graph.query("migrations_applied")


async def test_a_read_cannot_write(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reads_and_writes.cypher").write_text("// read\nCREATE (:Word)\n")
    monkeypatch.setattr(client, "_QUERIES", tmp_path)
    with pytest.raises(QueryRefused, match="reads_and_writes"):
        await graph.query("reads_and_writes")
    assert await graph.run("MATCH (w:Word) RETURN count(w)") == [[0]]


async def test_a_read_that_takes_too_long_is_given_up(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "endless.cypher").write_text(
        "// read within 10 ms\nUNWIND range(1, 9000000) AS x RETURN max(x % 7)\n"
    )
    monkeypatch.setattr(client, "_QUERIES", tmp_path)
    with pytest.raises(TooSlow, match=r"too busy to answer `endless`\. Try again"):
        await graph.query("endless")


@pytest.mark.parametrize("file", sorted(QUERIES.glob("*.cypher")), ids=lambda file: file.stem)
def test_every_query_says_what_it_does(file: Path) -> None:
    query = client.load(file.stem)
    assert re.match(r"// (read|write|read within \d+ ms)\n", file.read_text())
    assert query.reads != bool(re.search(r"\b(CREATE|MERGE|SET|DELETE|REMOVE)\b", query.text))


async def test_a_graph_that_holds_nothing_can_be_read(bare: Graph) -> None:
    assert await bare.query("migrations_applied") == []


async def test_what_was_asked_is_not_in_what_is_said(graph: Graph) -> None:
    with pytest.raises(QueryRefused) as refused:
        await graph.run("RETURN date($text)", text="CANARY")
    assert "CANARY" not in str(refused.value)


async def test_a_question_that_was_given_up_answers_no_other(graph: Graph) -> None:
    for _ in range(20):
        slow = asyncio.create_task(graph.run("UNWIND range(1, 20000) AS x RETURN count(x)"))
        await asyncio.sleep(0.001)
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        assert await graph.run("RETURN 'mine'") == [["mine"]]


async def test_a_connection_that_was_closed_is_opened_again(graph: Graph, addresses: Addresses) -> None:
    assert await graph.run("RETURN 1") == [[1]]
    another = Redis.from_url(addresses.falkordb_url or "")
    await another.client_kill_filter(_type="normal", skipme=True)
    await another.aclose()
    assert await graph.run("RETURN 2") == [[2]]


async def test_a_write_that_was_interrupted_is_not_done_again(graph: Graph, addresses: Addresses) -> None:
    another = Redis.from_url(addresses.falkordb_url or "")
    slow = "UNWIND range(1, 2000000) AS x WITH max(x % 7) AS most CREATE (:Word {most: most})"
    write = asyncio.create_task(graph.run(slow))
    running: list[str] = []
    while not running:
        await asyncio.sleep(0.01)
        running = [one["id"] for one in await another.client_list() if one["cmd"].lower() == "graph.query"]
    await another.client_kill_filter(_id=running[0])
    await another.aclose()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await write
    assert await graph.run("MATCH (w:Word) RETURN count(w) <= 1") == [[True]]


async def test_what_is_wrong_is_said_with_what_to_do(addresses: Addresses) -> None:
    ours = addresses.falkordb_url or ""
    cases = {
        "redis://127.0.0.1:1": "FalkorDB at 127.0.0.1:1 does not answer (ConnectionError). Start it",
        ours.replace(urlsplit(ours).password or "", "wrong"): "refuses the password (NOAUTH). Correct it in",
        addresses.redis_url or "": "is no FalkorDB: its graph module is not loaded.",
    }
    for url, said in cases.items():
        graph = Graph(url)
        for question in (graph.ping, lambda graph=graph: graph.query("migrations_applied")):
            with pytest.raises(StoreUnavailable, match=re.escape(said)):
                await question()
        with pytest.raises(StoreUnavailable, match=re.escape(said)):
            await graph.transaction([("migrations_applied", {})])
        await graph.close()
    with pytest.raises(ConfigError, match="FALKORDB_URL cannot be read"):
        Graph("http://somewhere")
