"""Memory's section: both sides leave the same, every row has its verdict, and what is invented is what it claims."""

import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from secondme.bench import chats, imports, machine, memory, sections, systems, told
from secondme.bench.bed import Both, Ready, bed, server
from secondme.bench.lab import BenchFailed, Lab
from secondme.bench.machine import Watch
from secondme.bench.peers import Peers
from secondme.cli.main import app
from secondme.domain.fact import Gist
from secondme.embedded.processes import find
from secondme.memory.exports import open_export
from secondme.memory.extract import read
from secondme.memory.live import take_in

SMALL = memory.Sizes(dimension=16, batch=20, batches=2, facts=(500, 1000), writes=8, reads=10, rounds=2)
PRINTED = """\
graphiti add_episode n=40: 21.3/s all p50 46.4 p99 61.0 ms first10 p50 40.0 p99 41.0 ms last10 p50 50.1 p99 52.0 ms cpu
graphiti search x1: p50 9.1 p99 12.4 ms 101/s
graphiti search x8: p50 70.0 p99 90.0 ms 110/s
"""


async def test_each_way_is_held_against_one_bare_statement(scratch: Path) -> None:
    upserts, embedded, few, many, flat, time, nearest = await memory.graph_rows(Lab(scratch), SMALL)
    assert all(
        row.value and row.bar and row.met is not None for row in (upserts, embedded, few, many, flat, time)
    )
    assert upserts.met == ((upserts.ratio or 0) >= 0.5) and time.met == ((time.ratio or 9) <= 3)
    assert "165 nodes, 280 relationships, 0 vectors" in upserts.note
    assert "120 vectors" in embedded.note
    assert "500 facts" in few.name and "1,000 facts" in many.name
    assert all(kind in many.note for kind in ("a new name", "known names", "of themselves", "a note"))
    assert flat.value == many.value and flat.bar == few.value
    assert (nearest.value, nearest.met) == (1.0, True) and "the bare read 1.000" in nearest.note
    assert not find(scratch / "memory" / "falkordb")


async def test_sides_that_do_not_leave_the_same_are_not_compared(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = told.bare_upsert(vectors=False)
    less = whole.replace(", (a)-[:WORKS_AT]->(b)", "")
    assert less != whole
    monkeypatch.setattr(told, "bare_upsert", lambda *, vectors: less)
    with pytest.raises(BenchFailed, match="cannot be compared"):
        await memory.graph_rows(Lab(scratch), SMALL)


async def test_every_message_states_one_fact(scratch: Path) -> None:
    said = dict(islice(told.live("ana"), 4))
    assert list(said) == ["a new name", "known names", "of themselves", "a note"]
    batch = [*told.talk(0, 40), *said.values(), *told.notes("ben", 5), *told.employments("eve", 0, 5)]
    async with server(scratch / "said") as url, bed(url, "said", 8) as one:
        assert await take_in(one.graph, one.digest, batch) == len(batch)
        assert await one.graph.run("MATCH (f:Fact) RETURN count(f), count(DISTINCT f.source)") == [[54, 54]]
        await one.embed(Ready(told.vectors(3, 8, 1)))
        assert await one.graph.run("MATCH (n) WHERE n.pending RETURN count(n)") == [[0]]


def test_vectors_of_one_thing_are_nearest_to_each_other() -> None:
    among, asked = told.vectors(100, 256, 1), told.vectors(3, 256, 2)
    assert told.nearest(asked[2], among, 4) == {2, 27, 52, 77}
    assert sum(x * x for x in asked[0]) == pytest.approx(1)


def test_a_chat_as_people_write_says_something_now_and_then(tmp_path: Path) -> None:
    chats.write_chat(tmp_path / "chat.txt", 2000)
    said = [message for message in open_export(tmp_path / "chat.txt").messages() if message.author]
    assert len(said) == 2000 and set(Counter(message.author for message in said).values()) == {1000}
    share = sum(read(message.text, message.at) != Gist() for message in said) / len(said)
    assert 0.1 < share < 0.3
    assert len({chats.people(n) for n in range(400)}) == 110
    assert all(read(text, datetime(2026, 1, 1)) != Gist() for text in islice(chats.news(), 20))


async def test_imports_are_counted_when_memory_has_them(scratch: Path) -> None:
    people, nothing = await chats.measure(Lab(scratch), messages=500, rounds=1)
    assert people.detail["messages"] == 500 and 50 < people.detail["sources"] < 150
    assert people.detail["facts"] > 10
    assert 0 < people.detail["read"] < people.detail["seconds"]
    assert nothing.detail["sources"] == 0
    assert people.met == ((people.ratio or 0) >= 0.3)


async def test_other_systems_are_told_apart_by_what_they_print(tmp_path: Path) -> None:
    graphiti, _ = systems.SYSTEMS
    assert systems.times(graphiti, PRINTED) == (46.4, 12.4)
    with pytest.raises(BenchFailed, match="graphiti printed no figures"):
        systems.times(graphiti, "graphiti add_episode: nothing")
    (row,) = await systems.measure(Lab(tmp_path))
    assert row.value is None and "needs PEERS" in row.note
    rows = await systems.measure(Lab(tmp_path, tmp_path))
    assert [row.note for row in rows] == [
        f"skipped: the peers' folder has no v12/bin/python, memory/{name}_bench.py" for name in "gm"
    ]


async def test_a_system_that_fails_costs_its_own_rows_alone(scratch: Path) -> None:
    (scratch / "memory").mkdir()
    (scratch / "v12" / "bin").mkdir(parents=True)
    (scratch / "v12" / "bin" / "python").symlink_to(sys.executable)
    broken = replace(systems.SYSTEMS[1], name="broken", needs="json")
    (scratch / broken.command[0]).write_text("raise SystemExit('no such luck')")
    (row,) = await systems.measure(Lab(scratch, scratch), which=[broken])
    assert row.value is None and "no such luck" in row.note


async def test_our_own_memory_does_as_much(scratch: Path) -> None:
    found = await systems.ours(scratch / "ours", 3, 3)
    assert found.write > 0 and found.search > 0


def test_the_median_of_rounds_counts() -> None:
    assert Both([1, 2, 9], [4, 5, 5]).medians() == (5, 2)
    assert "4.0, 5.0" in Both([1], [4, 5]).note()


def test_stores_that_were_there_before_are_ours_where_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, used = iter([0.0, 0.0, 1000.0, 1000.0]), iter([0.0, 999.0])
    monkeypatch.setattr(machine, "_busy", lambda: next(busy))
    alone, shared = Watch(), Watch(lambda: next(used))
    assert shared.stop().others < alone.stop().others / 100


def test_only_sections_on_the_peers_stores_count_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = Counter[str]()
    monkeypatch.setattr(Peers, "used", lambda self: asked.update("x") or 0.0)
    for name in sections.SECTIONS:
        sections._watch(Lab(tmp_path, tmp_path), name).stop()
    assert asked["x"] == 6  # ingest, worker and bell, twice each
    sections._watch(Lab(tmp_path), "ingest").stop()
    assert asked["x"] == 6


def test_stores_that_do_not_run_have_used_nothing(tmp_path: Path) -> None:
    assert Peers(tmp_path).used() == 0.0
    assert imports.MESSAGES == chats.MESSAGES


def test_the_command_measures_this_section_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []
    monkeypatch.setattr("secondme.bench.run", lambda peers, *, only: asked.append((peers, only)))
    CliRunner().invoke(app, ["bench", "memory", "--peers", str(tmp_path)])
    assert asked == [(tmp_path, ["memory"])]
