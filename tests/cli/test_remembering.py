"""`import`, as somebody types it, as far as memory is concerned."""

import json
import time
import urllib.request
from typing import Any

from tests.cli.conftest import Instance
from tests.memory.a_memory import chat
from tests.stubs.processes import openai_server

MARA = ("Mara: I moved to Lisbon", "Lena: oh nice", "Mara: my friend Carla works at Siemens")


def exported(instance: Instance, *lines: str, called: str = "Mara") -> str:
    return str(chat(instance.home / f"WhatsApp Chat with {called}.txt", *(lines or MARA)))


def imported(instance: Instance, *more: str, **env: Any) -> str:
    return instance.run("import", exported(instance), "--me", "Lena", *more, **env).stdout


def test_without_a_worker_the_command_learns_itself(shared: Instance) -> None:
    said = imported(shared)
    assert "Remembered: 15 messages" in said
    assert "Mara (from an import) is kept apart from whoever writes to you." in said
    (mara,) = [row for row in shared.json("contacts", "--json") if row["imported"]]
    assert f"merge {mara['id']} CONTACT" in said
    assert (mara["name"], mara["account"], mara["enabled"]) == ("Mara", "", False)
    assert "from an import" in shared.run("contacts").stdout
    assert list((shared.data_dir / "imports").iterdir()) == []
    assert "No contact is called" in shared.refused("enable", "Mara")


def test_with_says_who_the_other_one_is(shared: Instance) -> None:
    shared.run("chat", "--as", "Ana", "--once", "hello")
    (ana,) = [row for row in shared.json("contacts", "--json") if row["name"] == "Ana"]
    said = imported(shared, "--with", ana["id"])
    assert "Remembered: 15 messages" in said
    assert "kept apart" not in said
    assert "No contact is called" in shared.refused(
        "import", exported(shared), "--me", "Lena", "--with", "Nemo"
    )
    group = exported(shared, *MARA, "Tom: hi", called="Climbers")
    said = shared.run("import", group, "--me", "Lena").stdout
    assert "Whoever wrote in this group is kept apart" in said and "merge ID CONTACT" in said
    assert "several others" in shared.refused("import", group, "--me", "Lena", "--with", ana["id"])


def test_a_worker_that_runs_is_watched_or_left_to_it(shared: Instance) -> None:
    with shared.start("graph-worker") as worker:
        worker.until("graph-worker is ready")
        assert "Remembered: 15 messages" in imported(shared)
        assert "15 messages now, in the graph worker." in imported(shared, "--detach")
    assert "when a graph worker runs" in imported(shared, "--detach")
    assert len(list((shared.data_dir / "imports").iterdir())) >= 1


def test_live_messages_are_learned_while_it_runs(shared: Instance) -> None:
    with shared.start("up", SECONDME_NEW_CONTACTS="enabled") as running:
        running.until("SecondMe is running.")
        shared.run("chat", "--as", "Rui", "--once", "my friend Carla works at Siemens")
        (rui,) = [row for row in shared.json("contacts", "--json") if row["name"] == "Rui"]
        ends, found = time.monotonic() + 20, ""
        while not ('"Carla"' in found and '"c.name": "Rui"' in found):
            assert time.monotonic() < ends, found
            found = shared.run("graph", "query", "contact_context", f"contactId={rui['id']}").stdout
        assert running.stop() == 0


def asked(openai: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{openai.removesuffix('/v1')}/requests") as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return [one for one in found if "chat" in one["path"]]


def test_a_model_reads_it_only_after_the_owner_has_seen_the_estimate(shared: Instance) -> None:
    with openai_server() as openai:
        env = {"SECONDME_MODELS": "openai:ok", "OPENAI_BASE_URL": openai, "OPENAI_API_KEY": "k"}
        said = imported(shared, **env)
        assert "openai:ok would read this chat: about 1 call and" in said
        assert "Rules read it instead" in said
        assert "would read" not in imported(shared, "--no-model", **env)
        assert "would read" not in imported(shared, **env, SECONDME_EXTRACTION="rules")
        assert asked(openai) == []
        said = imported(shared, "--yes", **env)
        assert ("Rules read it" in said, "Remembered: 15 messages" in said) == (False, True)
        bodies = json.dumps([one["body"] for one in asked(openai)])
        assert len(asked(openai)) == 1 and "Carla works at Siemens" in bodies
