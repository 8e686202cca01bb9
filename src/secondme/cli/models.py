"""`models`: who is asked, what that has used today, and whether each of them answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from secondme.cli import show, standing
from secondme.cli.opening import is_unused, opened, tell
from secondme.cli.ports import answers
from secondme.domain.errors import MindFailed
from secondme.domain.message import Kind, Message
from secondme.domain.profile import Account
from secondme.domain.turn import Contact, Turn, Verdict
from secondme.llm.embeddings import ApiEmbedder, LexicalEmbedder
from secondme.llm.model_mind import ModelMind
from secondme.llm.plan import Plan, keys_without_model
from secondme.llm.providers import Model
from secondme.loading import load
from secondme.meaning import SERVING
from secondme.ports import Question
from secondme.profiles import PROFILES
from secondme.profiles.personas import CASUAL
from secondme.settings import Settings
from secondme.stores.ledger import usage
from secondme.stores.ledger.usage import MindsDay
from secondme.web.neighbours import health_of
from secondme.wiring import App, plan_minds

_NOBODY = UUID(int=0)


class Visit(BaseModel):
    """What `check` asks every model to fill in."""

    visitor: str = Field(description="who comes")
    guests: int = Field(description="how many come, the visitor included")


@dataclass(frozen=True, slots=True)
class Checked:
    """One question to one model. `wrong` says what to do, None where all is well."""

    model: str
    what: str
    seconds: float
    tokens: int = 0
    cached_tokens: int = 0
    note: str = ""
    wrong: str | None = None


async def overview() -> None:
    """Print the chain, its breakers, the budgets and today's use."""
    settings = _loaded()
    plan = await plan_minds(settings, tell)
    show.table(("asked in this order", "at", "breaker"), _chain(plan, await _breakers(settings)))
    show.table(("", ""), [*_budgets(plan), ("embeddings", _embedder(plan))])
    if not plan.models and (keys := keys_without_model(settings.providers)):
        print(f"{' and '.join(keys)} is set, but no model is named: set SECONDME_MODELS.")
    if is_unused(settings):
        print("Nothing has been used yet.")
        return
    async with opened(reads=True) as app:
        await _print_use(app)


async def check() -> bool:
    """Ask every model for a reply and a form, and the embeddings for a vector; True when all of them gave it."""
    plan = await plan_minds(_loaded(), tell)
    if not plan.models:
        print("No model is set (SECONDME_MODELS): the offline mind answers, and needs no check.")
    asked = [*plan.models, *([plan.cheaper] if plan.cheaper else [])]
    found = [one for each in await asyncio.gather(*(_model(m) for m in asked), _vector(plan)) for one in each]
    show.table(("", "model", "asked for", "s", "tokens", "cached", ""), [_row(one) for one in found])
    wrong = sum(one.wrong is not None for one in found)
    print("All of them answer." if not wrong else f"{show.count(wrong, 'answer')} missing.")
    return not wrong


def _loaded() -> Settings:
    """This shell's settings. Tells where the instance that runs has others: what is said then is not about that one."""
    settings = load(checks=SERVING)
    standing.follow(settings)
    note, others = standing.found(settings.data_dir), standing.others(settings)
    if note and others:
        tell(
            f"The running instance has other settings than this shell ({', '.join(others)}), and there {note.mind}"
            " answers. What follows is about this shell's."
        )
    return settings


async def replies(models: Sequence[Model]) -> list[Checked]:
    """Each model asked for one short reply."""
    return list(await asyncio.gather(*(_closing(model, _reply) for model in models)))


async def _model(model: Model) -> list[Checked]:
    return [await _closing(model, _reply), await _closing(model, _form)]


async def _closing(model: Model, ask: Callable[[ModelMind], Awaitable[Checked]]) -> Checked:
    mind = ModelMind(model)
    try:
        return await ask(mind)
    finally:
        await mind.close()


async def _reply(mind: ModelMind) -> Checked:
    begun = time.monotonic()
    try:
        draft = await mind.complete(_turn("Hi, how are you?"))
    except MindFailed as error:
        return _missed(mind.name, "a reply", begun, error)
    return Checked(mind.name, "a reply", time.monotonic() - begun, draft.tokens, draft.cached_tokens)


async def _form(mind: ModelMind) -> Checked:
    begun = time.monotonic()
    question = Question("Find out who visits.", ("Mara is coming with two friends.",))
    try:
        found = await mind.extract(Visit, question)
    except MindFailed as error:
        return _missed(mind.name, "a form", begun, error)
    right = "mara" in found.value.visitor.lower() and found.value.guests == 3
    note = "" if right else "filled in, with something else than what was said: a weak model for memory"
    return Checked(mind.name, "a form", time.monotonic() - begun, found.tokens, found.cached_tokens, note)


async def _vector(plan: Plan) -> list[Checked]:
    if plan.embeddings is None:
        return [Checked("lexical", "a vector", 0.0, note=_embedder(plan))]
    begun, embedder = time.monotonic(), ApiEmbedder(plan.embeddings, plan.dimension)
    try:
        await embedder.embed(["Mara is coming with two friends."])
    except MindFailed as error:
        return [_missed(embedder.name, "a vector", begun, error)]
    finally:
        await embedder.close()
    took = time.monotonic() - begun
    return [Checked(embedder.name, "a vector", took, note=f"{embedder.dimension} numbers")]


def _missed(name: str, what: str, begun: float, error: MindFailed) -> Checked:
    return Checked(name, what, time.monotonic() - begun, error.tokens, wrong=str(error))


def _turn(text: str) -> Turn:
    """Somebody nobody knows says hello."""
    now = datetime.now(UTC)
    return Turn(
        id=_NOBODY,
        account=Account("check", "simulator", PROFILES["clone"]),
        conversation_id=_NOBODY,
        identity_id=_NOBODY,
        token=_NOBODY,
        attempts=0,
        now=now,
        contact=Contact(_NOBODY, None, True, "friend", None),
        messages=(Message(_NOBODY, Kind.TEXT, text, now, now, 1),),
        verdict=Verdict("check", answer=True),
        persona=CASUAL,
    )


def _row(one: Checked) -> tuple[str, ...]:
    state = "ok" if one.wrong is None else "MEND"
    figures = (f"{one.seconds:.2f}", f"{one.tokens:,}", f"{one.cached_tokens:,}")
    return (state, one.model, one.what, *figures, one.wrong or one.note)


def _chain(plan: Plan, breakers: dict[str, str]) -> list[tuple[str, str, str]]:
    if not plan.models:
        return [("the offline mind: it repeats what you have said before", "this machine", "")]
    rows = [(m.label, m.host, breakers.get(m.label, "no orchestrator runs")) for m in plan.models]
    if plan.cheaper:
        label = plan.cheaper.label
        rows.append((f"{label} (once a budget is spent)", plan.cheaper.host, breakers.get(label, "")))
    return rows


async def _breakers(settings: Settings) -> dict[str, str]:
    """The state of each breaker, as the orchestrator that runs here has it."""
    port = settings.orchestrator_port
    if not await answers(settings.data_dir, "orchestrator", port):
        return {}
    found = (await health_of(port) or {}).get("breakers", {})
    return {str(name): str(state) for name, state in found.items()}


def _budgets(plan: Plan) -> list[tuple[str, str]]:
    limits = plan.limits
    rows = [("a contact's budget a day", limits.contact), ("everybody's budget a day", limits.day)]
    shown = [(what, "none" if limit is None else f"{limit:,} tokens") for what, limit in rows]
    if limits.contact is None and limits.day is None:
        return shown
    then = {
        "cheaper": f"{plan.cheaper.label if plan.cheaper else 'the cheaper model'}, for as much again, then the line",
        "line": "the profile's line; the clone has none and is silent",
        "silence": "silence",
        "person": "the profile's line once, then the contact is paused for you",
    }
    return [*shown, ("once it is spent", then[limits.then])]


def _embedder(plan: Plan) -> str:
    if plan.embeddings is None:
        return f"lexical, {LexicalEmbedder(plan.dimension).dimension} numbers: it knows spelling, not meaning"
    return f"{plan.embeddings.label}, {ApiEmbedder(plan.embeddings, plan.dimension).dimension} numbers"


async def _print_use(app: App) -> None:
    today = app.clock.now().astimezone(app.settings.timezone).date()
    async with app.ledger.light() as light:
        rows = await usage.by_mind(light, today)
    if not rows:
        print("Nothing has been used today.")
        return
    show.table(("used today", "asks", "failed", "tokens", "from the cache"), [_used(row) for row in rows])


def _used(row: MindsDay) -> tuple[str, ...]:
    cached = f"{row.cached_tokens:,}"
    return (row.mind, f"{row.asks:,}", f"{row.failures:,}", f"{row.tokens:,}", cached)
