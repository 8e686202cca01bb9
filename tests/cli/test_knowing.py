"""What is known and the owner's rights over it, as somebody types them."""

import json
import urllib.request
from typing import Any

import pytest

from tests.cli.conftest import Instance
from tests.memory.a_memory import chat
from tests.stubs.processes import openai_server

HOSTILE = "Mara\x1b[31m\x07"
SAID = ("I moved to Lisbon", "my friend Carla works at Siemens")


@pytest.fixture(scope="module")
def known(shared: Instance) -> dict[str, str]:
    """Who is there, by name: Mara and Tom of imports, and Ana, who wrote. Ids."""
    for name, lines in (("Mara", SAID), ("Tom", ("I live in Oslo",) * 3), (HOSTILE, ("I live in Bergen",))):
        file = chat(
            shared.home / f"WhatsApp Chat with {name[:4]}.txt", *(f"{name}: {line}" for line in lines)
        )
        shared.run("import", str(file), "--me", "Lena")
    shared.run("chat", "--as", "Ana", "--once", "hello")
    return {row["name"]: row["id"] for row in shared.json("contacts", "--json")}


def chats(openai: str) -> list[dict[str, Any]]:
    """What the stub was asked."""
    with urllib.request.urlopen(f"{openai.removesuffix('/v1')}/requests") as answer:
        return [one["body"] for one in json.load(answer) if "chat" in one["path"]]


def facts(instance: Instance, whom: str) -> dict[str, dict[str, Any]]:
    return {fact["text"]: fact for fact in instance.json("facts", whom, "--json")}


def test_facts_of_a_contact(shared: Instance, known: dict[str, str]) -> None:
    shown = shared.run("facts", known["Mara"]).stdout
    assert "Mara lives in Lisbon" in shown and "Carla works at Siemens" in shown and "Oslo" not in shown
    found = facts(shared, known["Mara"])["Mara lives in Lisbon"]
    assert found["id"] in shown
    assert (found["audience"], found["teller"], found["validTo"]) == ([known["Mara"]], known["Mara"], None)
    assert "Nothing is known from Ana" in shared.run("facts", "Ana").stdout
    assert "No contact is called" in shared.refused("facts", "Nemo")
    shared.run("facts", code=2)
    assert f"facts --why {found['id']}" in shared.refused("facts", found["id"])


def test_no_name_reaches_the_terminal_as_a_command(shared: Instance, known: dict[str, str]) -> None:
    (hostile,) = [id for name, id in known.items() if name not in ("Mara", "Tom", "Ana")]
    shown = shared.run("facts", hostile).stdout
    assert "Bergen" in shown and "\x1b" not in shown and "\x07" not in shown


def test_what_was_said_again_is_one_row(shared: Instance, known: dict[str, str]) -> None:
    """For programs each is there."""
    for command in (("facts", known["Tom"]), ("ask", "where does Tom live?")):
        shown = shared.run(*command).stdout
        assert shown.count("Oslo") == 1 and "(said 3 times, last on 2026-01-30)" in " ".join(shown.split())
    assert len(shared.json("facts", known["Tom"], "--json")) == 3


def test_a_question(shared: Instance, known: dict[str, str]) -> None:
    shown = shared.run("ask", "Who works at Siemens?").stdout
    assert "Carla works at Siemens" in shown and "Mara" in shown and "Oslo" not in shown
    found = shared.json("ask", "where does Tom live?", "--json")
    assert (found["answer"], [one["text"] for one in found["facts"]]) == (None, ["Tom lives in Oslo"] * 3)
    assert "Nothing is known" in shared.run("ask", "qwxz?").stdout
    assert "Ask something" in shared.refused("ask", " ")


def test_a_question_answered_in_words(shared: Instance, known: dict[str, str]) -> None:
    """The stub answers with `Mara`, and rests it on the fact of the number that its name says."""
    question = ("ask", "who works at Siemens?")
    with openai_server() as openai:

        def env(model: str) -> dict[str, Any]:
            return {"SECONDME_MODELS": f"openai:{model}", "OPENAI_BASE_URL": openai, "OPENAI_API_KEY": "k"}

        shown = shared.run(*question, **env("number-1")).stdout
        assert shown.startswith("Mara\n\nopenai:number-1 says so, of these facts:")
        assert "Carla works at Siemens" in shown
        found = shared.json(*question, "--json", **env("number-1"))
        assert (found["answer"], found["mind"]) == ("Mara", "openai:number-1")
        (body, again) = chats(openai)
        assert body == again
        ours, material = (one["content"] for one in body["messages"])
        assert "Siemens" not in ours and "Mara" not in ours
        assert (
            "<message>who works at Siemens?</message>\n<message>1: Carla works at Siemens (told by Mara on"
            in material
        )
        unasked = shared.run(*question, "--no-model", **env("number-1")).stdout
        assert "Carla works at Siemens" in unasked and "says so" not in unasked
        assert "Nothing is known" in shared.run("ask", "qwxz?", **env("number-1")).stdout
        assert len(chats(openai)) == 2
        for model in (
            "number-2",
            "number-0",
            "status-500",
            "misfit-2",
        ):  # no such fact, or no answer: the list
            done = shared.run(*question, **env(model))
            assert "Carla works at Siemens" in done.stdout and "says so" not in done.stdout
            assert ("not answered in words" in done.stderr) == (not model.startswith("number"))
        spent = {**env("number-1"), "SECONDME_BUDGET_DAY": "1"}
        assert "The budget is spent (budget.day)" in shared.run(*question, **spent).stderr


def test_why(shared: Instance, known: dict[str, str]) -> None:
    fact = facts(shared, known["Mara"])["Mara lives in Lisbon"]
    shown = shared.run("facts", "--why", fact["id"]).stdout
    assert "told by" in shown and "Mara" in shown and fact["source"] in shown and "ended by" not in shown
    assert shared.json("facts", "--why", fact["id"], "--json")["sharedWith"] == []
    assert "There is no such fact" in shared.refused("facts", "--why", "fact_0")


def test_shared_and_no_longer(shared: Instance, known: dict[str, str]) -> None:
    fact = facts(shared, known["Mara"])["Carla works at Siemens"]["id"]
    assert "they were there" in shared.run("share", fact, "with", known["Mara"]).stdout
    assert "Ana (" in shared.run("share", fact, "with", "Ana").stdout
    assert "Carla works at Siemens" in facts(shared, "Ana")
    assert shared.json("facts", "--why", fact, "--json")["sharedWith"] == [known["Ana"]]
    shared.run("unshare", fact, "with", "Ana")
    assert facts(shared, "Ana") == {}
    shared.run("share", fact, "with", "everyone")
    assert "Carla works at Siemens" in facts(shared, known["Tom"])
    shared.run("unshare", fact, "with", "everyone")
    assert "not shared with them" in shared.refused("unshare", fact, "with", "everyone")
    shared.run("share", fact, "to", "Ana", code=2)


def test_two_are_one_until_they_are_not(shared: Instance, known: dict[str, str]) -> None:
    assert "are one from now on" in shared.run("merge", known["Mara"], known["Tom"]).stdout
    assert "These are one already" in shared.run("merge", known["Tom"], known["Mara"]).stdout
    assert "These are one already" in shared.run("merge", "Tom", "tom").stdout
    assert "Tom lives in Oslo" in facts(shared, known["Mara"])
    assert "are two again" in shared.run("unmerge", known["Tom"], known["Mara"]).stdout
    assert "Tom lives in Oslo" not in facts(shared, known["Mara"])
    assert "can be one" in shared.refused("merge", "Siemens", "Oslo")
    (hostile,) = [id for name, id in known.items() if name not in ("Mara", "Tom", "Ana")]
    assert "\x1b" not in shared.run("merge", hostile, known["Mara"]).stdout
    shared.run("unmerge", hostile, known["Mara"])


def test_everything_into_a_file(shared: Instance, known: dict[str, str]) -> None:
    file = shared.home / "mara.json"
    shared.run("export", known["Mara"], "--out", str(file))
    found = json.loads(file.read_text())
    assert "Mara lives in Lisbon" in {fact["text"] for fact in found["memory"]["facts"]}
    assert len(found["imports"]) == 1 and file.stat().st_mode & 0o777 == 0o600
    assert "cannot be written" in shared.refused("export", known["Mara"], "--out", str(file))


def test_a_fact_and_a_contact_are_forgotten(shared: Instance, known: dict[str, str]) -> None:
    fact = facts(shared, known["Mara"])["Carla works at Siemens"]["id"]
    assert "--yes" in shared.refused("forget", fact)
    assert "From memory went 1 fact" in shared.run("forget", fact, "--yes").stdout
    assert set(facts(shared, known["Mara"])) == {"Mara lives in Lisbon"}
    oslo = facts(shared, known["Tom"])["Tom lives in Oslo"]["id"]
    shown = shared.run("forget", oslo, "--yes").stdout
    assert "said 3 times" in shown and "From memory went 3 facts" in shown and "say the same" not in shown
    assert facts(shared, known["Tom"]) == {}
    dead = "redis://127.0.0.1:1"
    shown = shared.run("forget", known["Tom"], "--yes", code=3, FALKORDB_URL=dead).stdout
    assert "0 " not in shown and "2 imported chats under other names remain.\n" in shown
    assert "Memory is not done yet" in shown and f"forget {known['Tom']}" in shown
    assert "Receipt" in shared.run("forget", known["Tom"], "--yes").stdout
    assert "1 fact" in shared.run("forget", known["Mara"], "--yes").stdout
    assert "No contact is called" in shared.refused("facts", "Tom")
