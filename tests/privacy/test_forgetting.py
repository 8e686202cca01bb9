"""Five hundred words of one person, each found before `secondme forget` and none of them after, wherever one looks."""

import asyncio
import json
import re
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from secondme.embedded import Addresses, EmbeddedStores
from tests.privacy import erasing, reading
from tests.privacy.canaries import Canaries
from tests.privacy.erasing import Person, answers, chat, imports, told
from tests.privacy.places import WORD, files
from tests.privacy.product import SECONDME, Product, installed, outside, outwait

pytestmark = pytest.mark.timeout(400)  # the life is told within the first test that asks for it

ANA, BEN = "4915577713001", "4915577713002"
ENOUGH = 500
type Found = dict[str, dict[str, set[str]]]  # whose, at what kind of place, which words


@dataclass
class Life:
    """The running product, its people, and what was found of each of them before anybody was forgotten."""

    product: Product
    stores: EmbeddedStores
    folder: Path
    mind: str
    people: dict[str, Canaries]
    ids: dict[str, str] = field(default_factory=dict)
    before: Found = field(default_factory=dict)
    openable: list[bytes] = field(default_factory=list)
    stood: int = 0  # of these, in Postgres' files
    bodies: list[bytes] = field(default_factory=list)
    held: ExitStack = field(default_factory=ExitStack)  # until it is closed no chat is worked off

    def look(self) -> Found:
        """Each kind of place, and whose words can be read there."""
        found: Found = {name: defaultdict(set) for name in self.people}
        for place, data in reading.everything(self.product, self.addresses):
            for name, words in self.people.items():
                found[name][place] |= words.found(data)
        return found

    def run(self, *words: str) -> str:
        code, said = self.product.command(*words)
        assert code == 0, said
        return said

    def facts(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("facts", self.ids[name], "--json"))
        return found

    @property
    def addresses(self) -> Addresses:
        return self.stores.addresses

    @property
    def dsn(self) -> str:
        return self.addresses.database_url or ""


def readable(found: dict[str, set[str]]) -> set[str]:
    return set().union(*found.values())


def table(found: dict[str, set[str]]) -> dict[str, int]:
    return {place: len(words) for place, words in sorted(found.items()) if words}


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Ana and Ben live the same lives; Vera is known from imports alone. Then chats wait that nobody has learned."""
    folder = tmp_path_factory.mktemp("life")
    with (
        outside() as mind,
        erasing.meta(folder / "network.log") as network,
        installed(
            tmp_path_factory.mktemp("product"),
            **network.settings(),
            SECONDME_LOG_LEVEL="DEBUG",
            SECONDME_NEW_CONTACTS="enabled",
            SECONDME_DEBOUNCE="200ms",
            SECONDME_PACING="none",
            SECONDME_RATE_LIMIT="0",
            SECONDME_MODELS="compatible:m",
            COMPATIBLE_BASE_URL=f"{mind}/v1",
        ) as product,
        ExitStack() as stop,
    ):
        product.start()
        stores = asyncio.run(EmbeddedStores.attach(product.data))
        people = {"Ana": Canaries(WORD), "Ben": Canaries("xqvjwzk"), "Vera": Canaries("jzvqxwk")}
        made = Life(product, stores, folder, mind, people)
        live(made)
        stop.enter_context(made.held)
        made.held.enter_context(reading.unlearned(product, made.dsn))
        leave_waiting(made)
        asyncio.run(reading.written_down(stores.addresses))
        made.before = made.look()
        words = set(people["Ana"].made)
        made.openable = asyncio.run(reading.left_openable(product, made.dsn, made.ids["Ana"], words))
        made.stood = reading.standing(product.data / "postgres", made.openable)
        reading.dumped(made.dsn, folder / "before.sql")
        yield made
        asyncio.run(stores.detach())


def live(life: Life) -> None:
    product, words = life.product, life.people
    for name, number in (("Ana", ANA), ("Ben", BEN)):
        person = Person(product, number, words[name])
        person.writes()
        person.sends()
        person.is_written_to()
        life.bodies += person.bodies if name == "Ana" else []
        life.ids[name] = erasing.contact_of(product, person.name)
        talk = [*told(name, words[name], 20), *answers(name, words[name], 20)]
        imports(
            product, chat(life.folder, name, talk), "--with", life.ids[name], "--keep-voice", "--no-model"
        )
    vera = words["Vera"]("name").capitalize()
    imports(
        product,
        chat(life.folder, vera, [*told(vera, words["Vera"], 10), *answers(vera, words["Vera"], 10)]),
        *("--keep-voice", "--no-model"),
    )
    life.ids["Vera"] = erasing.contact_of(product, vera)
    imports(product, chat(life.folder, "Climbers", climbers(words)), "--no-model")
    fact = next(f for f in life.facts("Ana") if "moved" not in f["text"])
    for whom in (life.ids["Ben"], "everyone"):
        life.run("share", fact["id"], "with", whom)
    life.run("merge", life.ids["Ana"], life.ids["Ben"])


def climbers(words: dict[str, Canaries]) -> list[str]:
    """A group of three and the owner. Two are known by their numbers; one is of those who must stay."""
    ana, ben, tom = (
        told(f"+{ANA}", words["Ana"], 15),
        told(f"+{BEN}", words["Ben"], 10),
        told("Tom", words["Ben"], 5),
    )
    return [*ana, *ben, *tom, "Lena: see you all then"]


def leave_waiting(life: Life) -> None:
    """A chat of Ana's that a model shall read, then one of Ben's and one of a group, on the disk until it has."""
    words, think = life.people, "hang! think about that"
    for name in ("Ana", "Ben"):
        lines = [f"{name}: {think}", *told(name, words[name], 7), "Lena: see you then"]
        imports(life.product, chat(life.folder, name, lines), "--with", life.ids[name], "--yes", "--detach")
    group = [f"Tom: {think}", *climbers(words)]
    imports(life.product, chat(life.folder, "Climbers", group), "--yes", "--detach")


def hanging(life: Life) -> int:
    """How often the model has begun to think for long."""
    with urllib.request.urlopen(f"{life.mind}/hanging", timeout=5) as answer:
        return int(answer.read())


@pytest.fixture(scope="module")
def forgotten(life: Life) -> Found:
    """What is found after `forget`, while and after which Meta delivers again what Ana had written."""
    bodies, done = life.bodies, threading.Event()
    told = sum(fact["teller"] == life.ids["Ana"] for fact in life.facts("Ana"))
    life.held.close()
    outwait(lambda: hanging(life) == 1, 20, lambda: "no model reads")
    first, *_ = asyncio.run(reading.waiting(life.product, life.dsn))
    assert first.audience == life.ids["Ana"]

    def redeliver() -> None:
        while not done.is_set():
            for one in bodies:
                erasing.again(life.product, one)

    redelivering = threading.Thread(target=redeliver)
    redelivering.start()
    try:
        said = life.run("forget", f"+{ANA}", "--yes")
    finally:
        done.set()
        redelivering.join()
    assert "Receipt" in said, said
    went = re.search(r"From memory went (\d+) facts", said)
    assert went and int(went.group(1)) >= told > 50, said
    assert {erasing.again(life.product, one) for one in bodies} == {200}
    return life.look()


def test_each_was_there_before(life: Life) -> None:
    """By the same search that finds none of them afterwards."""
    for name, words in life.people.items():
        assert set(words.made) <= readable(life.before[name]), name
        print(f"{name}: {len(words.made)} words, found at", table(life.before[name]))
    for place in ("sealed chats, with all keys", "files: data/redis", "files: data/falkordb"):
        assert life.before["Ana"][place], place
    assert len(life.people["Ana"].made) >= ENOUGH and len(life.people["Ben"].made) >= ENOUGH
    assert len(life.openable) > 20


def test_none_is_anywhere_after(life: Life, forgotten: Found) -> None:
    print("Ana:", table(forgotten["Ana"]) or "0 words", "at", len(life.before["Ana"]), "kinds of places")
    assert table(forgotten["Ana"]) == {}


def test_nothing_that_a_key_still_opens_is_in_postgres_files(life: Life, forgotten: Found) -> None:
    """Old pages and the log of writes hold values that are sealed; what opens them is in none of these."""
    print(
        f"{len(life.openable)} values that keys which are left would open; {life.stood} stood in files before"
    )
    assert life.stood == len(life.openable) > 20
    assert reading.standing(life.product.data / "postgres", life.openable) == 0


def test_others_keep_theirs(life: Life, forgotten: Found) -> None:
    for name in ("Ben", "Vera"):
        assert readable(forgotten[name]) == readable(life.before[name]) == set(life.people[name].made)


def test_a_dump_made_after_has_nothing(life: Life, forgotten: Found) -> None:
    dump = reading.dumped(life.dsn, life.folder / "after.sql")
    found = asyncio.run(reading.restored(life.product, life.dsn, dump))
    assert life.people["Ana"].found(found) == set()
    assert life.people["Ben"].found(found)


def test_a_dump_made_before_has_it_until_they_are_forgotten_there(life: Life, forgotten: Found) -> None:
    """It has the keys that it was made with; the receipt's id is how they are found in it."""

    async def again() -> tuple[bytes, bytes]:
        async with reading.restored_at(life.dsn, life.folder / "before.sql") as dsn:
            before = await reading.ledger(life.product, dsn)
            env = life.product.env | {"DATABASE_URL": dsn}
            words = (*SECONDME, "forget", life.ids["Ana"], "--yes")
            done = await asyncio.create_subprocess_exec(*words, cwd=life.product.folder, env=env)
            assert await done.wait() == 3  # there we may not end the log of writes
            return before, await reading.ledger(life.product, dsn)

    before, after = (life.people["Ana"].found(data) for data in asyncio.run(again()))
    assert len(before) > ENOUGH / 2
    assert after == set()


def test_a_fresh_server_with_the_graphs_files_has_nothing(life: Life, forgotten: Found) -> None:
    found = asyncio.run(reading.graph_restored(life.product, life.folder / "graph"))
    assert life.people["Ana"].found(found) == set()
    assert life.people["Ben"].found(found)


def test_the_chats_that_waited_are_learned_without_her(life: Life, forgotten: Found) -> None:
    """The one that a model was reading is given up; in a group's, what others said is learned."""
    urllib.request.urlopen(urllib.request.Request(f"{life.mind}/go", b""), timeout=5).close()
    outwait(lambda: not any((life.product.data / "imports").iterdir()), 60, lambda: "chats still wait")
    logs = b"".join(data for _, data in files(life.product.data / "logs"))
    assert logs.count(b'"import.given_up"') == 1
    found = life.look()
    assert table(found["Ana"]) == {}
    assert life.people["Ben"].of("imported") <= found["Ben"]["graph, asked"]


def test_one_fact(life: Life, forgotten: Found) -> None:
    """Of an imported chat, whose text is kept nowhere else."""
    word = sorted(life.people["Ben"].of("imported town"))[0]
    (fact,) = [one for one in life.facts("Ben") if word in one["text"].lower()]
    life.run("forget", fact["id"], "--yes")
    after = readable(life.look()["Ben"])
    assert after == set(life.people["Ben"].made) - {word}


def test_somebody_known_from_an_import_alone(life: Life, forgotten: Found) -> None:
    """With the replies that were kept, and what the owner's persona quoted of them."""
    assert life.before["Vera"]["graph, asked"] & life.people["Vera"].of("kept for all")
    life.run("forget", life.ids["Vera"], "--yes")
    assert table(life.look()["Vera"]) == {}


def test_nothing_is_written_down_at_the_end(life: Life, forgotten: Found) -> None:
    """Stores write to their disk what they had in mind when they are stopped."""
    life.product.stop()
    asyncio.run(life.stores.detach())
    left = b"".join(data for _, data in files(life.product.folder))
    for name in ("Ana", "Vera"):
        assert life.people[name].found(left) == set(), name
