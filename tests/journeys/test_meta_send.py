"""`secondme send` as an owner types it, while services run, and while they do not."""

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import RUNNING, Instance, an_instance
from tests.stubs.meta_driver import Meta
from tests.stubs.meta_graph import ACCOUNT_ID

ANA, IMAGE = "+15550100001", "image:1013859600285441"


@pytest.fixture
def instance(meta: Meta) -> Iterator[Instance]:
    with an_instance() as made:
        for name in [name for name in made.env if name.startswith("WHATSAPP_")]:
            del made.env[name]
        made.env |= meta.settings() | {
            "SECONDME_PROFILE": "journal",
            "WHATSAPP_BUSINESS_ACCOUNT_ID": ACCOUNT_ID,
        }
        yield made


def _ready(*params: str) -> list[str]:
    return ["--template", "order_ready", *(word for text in params for word in ("--param", text))]


@pytest.mark.timeout(240)
async def test_an_owner_sends(instance: Instance, meta: Meta) -> None:
    with instance.start("up") as running:
        running.until(RUNNING)
        await meta.control(gateway=f"http://127.0.0.1:{instance.port('GATEWAY_PORT')}", statuses=True)
        assert instance.run("send", ANA, *_ready("Tuesday", "5 pm")).stdout == f"Sent to {ANA}.\n"
        assert "takes 2 parameters" in instance.refused("send", ANA, *_ready("Tuesday"))
        assert "within 24 hours" in instance.refused("send", ANA, "--media", IMAGE)
        await meta.says("Thanks!")
        await meta.until(lambda lines: any(line["body"]["type"] == "text" for line in lines))
        assert instance.run("send", "Ana", "--media", IMAGE, "--caption", "Look").stdout == "Sent to Ana.\n"
        assert "Nobody" not in instance.run("contacts").stdout
        instance.run("pause", "Ana")
        assert f"is paused. `secondme resume {ANA}`" in instance.refused("send", "Ana", *_ready("a", "b"))
        instance.run("resume", "Ana")
        instance.run("disable", "Ana")
        assert f"Enable them first: `secondme enable {ANA}`" in instance.refused(
            "send", "Ana", *_ready("a", "b")
        )
        instance.run("enable", "Ana")
        instance.run("pause", "all")
        assert "everything is stopped" in instance.refused("send", "Ana", *_ready("a", "b"))
        instance.run("resume", "all")
        kinds = [line["body"]["type"] for line in await meta.sends(None) if line["body"]["callback"]]
        assert kinds == ["template", "text", "image"]
        said = json.loads(instance.run("export", "Ana").stdout)["messages"]["main"]
        assert [(line["by"], line["text"]) for line in said if line["by"] == "owner"] == [
            ("owner", "Your order is ready on Tuesday at 5 pm."),
            ("owner", "Look"),
        ]
        running.stop()
    planned = instance.run("send", "Ana", *_ready("Friday", "noon"), code=3).stdout
    assert "not sent yet" in planned and "two minutes" in planned
    with instance.start("up") as running:
        running.until(RUNNING)
        await meta.until(
            lambda lines: len([line for line in lines if line["body"]["type"] == "template"]) == 2
        )
        running.stop()
    assert len(await meta.sends("template")) == 2


@pytest.mark.timeout(120)
async def test_what_makes_no_sense_is_refused_in_a_line(instance: Instance) -> None:
    assert "Nothing has been started" in instance.refused("send", ANA, *_ready("a", "b"))
    for args, said in (
        ([], "--template NAME, or --media"),
        ([*_ready("a"), "--media", IMAGE], "--template NAME, or --media"),
        ([*_ready("a"), "--caption", "x"], "go with --media"),
        (["--media", IMAGE, "--param", "x"], "go with --template"),
    ):
        assert said in instance.refused("send", ANA, *args)


@pytest.mark.timeout(120)
def test_a_simulated_phone_takes_neither() -> None:
    with an_instance() as instance, instance.start("up") as running:
        running.until(RUNNING)
        said = instance.refused("send", ANA, "--media", IMAGE)
        assert "no account here is on it" in said
        running.stop()
