"""What a provider refuses of one talk is no reason to leave it alone for everybody; a wrong key or model is."""

import pytest

from secondme.domain.breaker import FAILURES, State
from secondme.domain.errors import MindFailed
from secondme.llm.fallback import Fallback
from secondme.llm.guarded import Guarded
from secondme.llm.model_mind import ModelMind
from secondme.llm.refusals import READ, read
from secondme.observe.gate import Gate
from secondme.pipeline.compose import Compose
from tests.llm.asking import mind, model
from tests.llm.turns import turn
from tests.stubs.refusals import ANTHROPIC, FLAGGED, OPENAI

NAMES = [("openai", name) for name in OPENAI] + [("anthropic", name) for name in ANTHROPIC]
TALK = [one for one in NAMES if one[1].startswith("talk:")]
LENGTHS = {"talk:long", "talk:vllm", "talk:room", "talk:large", "talk:proxy"}


def cause_of(name: str) -> str:
    kind = name.partition(":")[0]
    if kind == "settings":
        return "status"
    if kind == "request" or name == "talk:wall":  # a page of somebody's that says nothing
        return "request"
    return "too_long" if name in LENGTHS else "refused"


@pytest.fixture
def stub(provider: str, request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{provider}_stub")
    return found


@pytest.mark.parametrize(("provider", "name"), TALK)
async def test_five_flagged_texts_and_somebody_else_is_answered(stub: str, provider: str, name: str) -> None:
    gate = Gate(f"{provider}:{name}")
    asks = Guarded(ModelMind(model(stub, name, provider)), gate)
    for _ in range(FAILURES):
        with pytest.raises(MindFailed) as failed:
            await asks.complete(turn(FLAGGED))
        assert failed.value.cause == cause_of(name)
        assert "refuses the key" not in str(failed.value) and FLAGGED not in str(failed.value)
    assert gate.state() is State.CLOSED
    assert (await asks.complete(turn("Coming?"))).parts
    await asks.close()


@pytest.mark.parametrize(("provider", "name"), [one for one in NAMES if one not in TALK])
async def test_only_what_is_wrong_for_everybody_opens_the_breaker(
    stub: str, provider: str, name: str
) -> None:
    gate = Gate(f"{provider}:{name}")
    asks = Guarded(ModelMind(model(stub, name, provider)), gate)
    for _ in range(FAILURES):
        with pytest.raises(MindFailed) as failed:
            await asks.complete(turn("Coming?"))
    assert failed.value.cause == cause_of(name)
    assert gate.state() is (State.OPEN if name.startswith("settings:") else State.CLOSED)
    await asks.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("talk:filter", "answered 400. It refuses what was written."),
        ("talk:long", "answered 400. What was sent is too long for it."),
        (
            "talk:wall",
            "answered 403. It forbids the request: if it forbids all of them, correct OPENAI_API_KEY.",
        ),
        ("settings:key", "answered 403. It refuses the key: correct OPENAI_API_KEY."),
        ("settings:model", "answered 400. It refuses the request: check the model's name and its options."),
    ],
)
async def test_what_is_said_of_it(openai_stub: str, name: str, said: str) -> None:
    async with mind(openai_stub, name) as asks:
        with pytest.raises(MindFailed) as failed:
            await asks.complete(turn(FLAGGED))
    assert str(failed.value) == f"openai:{name} {said}"


@pytest.mark.parametrize("status", sorted(READ))
@pytest.mark.parametrize(
    "body", ["", "[]", '"x"', "{}", '{"error": 5}', '{"error": {"metadata": 3}}', "[" * 9999]
)
def test_nonsense_is_held_against_nobody(status: int, body: str) -> None:
    assert read(status, body).cause in ("request", "too_long")


async def test_what_would_be_refused_again_is_not_tried_again(openai_stub: str) -> None:
    """The next of the chain is asked; a Turn that all of them refuse ends at once."""
    refuses = [ModelMind(model(openai_stub, name)) for name in ("talk:filter", "talk:long")]
    other = ModelMind(model(openai_stub, "status-500"))
    for chain, again in ((refuses, False), ([*refuses, other], True)):
        asks = Fallback([Guarded(one, Gate(one.name)) for one in chain])
        verdict = (await Compose(asks)(turn(FLAGGED))).verdict
        assert verdict is not None
        assert (verdict.retry, verdict.hold_until is not None, verdict.failed) == (again, again, not again)
    for one in (*refuses, other):
        await one.close()
