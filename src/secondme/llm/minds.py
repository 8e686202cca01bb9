"""The minds of one process, as the plan has them: a chain behind breakers and a budget, or the offline mind."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from secondme.llm.budget import Budgeted
from secondme.llm.embeddings import ApiEmbedder, LexicalEmbedder
from secondme.llm.fallback import Fallback
from secondme.llm.guarded import Guarded, GuardedEmbedder
from secondme.llm.model_mind import ModelMind
from secondme.llm.offline import OfflineMind
from secondme.llm.plan import Plan
from secondme.llm.providers import Model
from secondme.llm.purse import Purse
from secondme.observe.gate import Gate
from secondme.ports import Clock, Embedder, Extractor, Mind, Usage


@dataclass(frozen=True, slots=True)
class Minds:
    """Who drafts, who fills in forms (nobody where no model is), and who makes vectors."""

    plan: Plan
    mind: Mind
    extractor: Extractor | None
    embedder: Embedder
    gates: tuple[Gate, ...] = ()  # a breaker for each model, and one for the embeddings

    async def close(self) -> None:
        await self.mind.close()
        await self.embedder.close()


def make_minds(plan: Plan, usage: Usage, clock: Clock, zone: ZoneInfo) -> Minds:
    """Open nothing yet: the first ask connects. A chain that fails never falls through to the offline mind."""
    gates = dict[str, Gate]()
    embedder = _embedder(plan, gates)
    if not plan.models:
        return Minds(plan, OfflineMind(), None, embedder, tuple(gates.values()))
    purse = Purse(usage, clock, zone)
    chain = Fallback(_guarded(plan.models, purse, gates))
    cheaper = _guarded([plan.cheaper], purse, gates)[0] if plan.cheaper else None
    mind = Budgeted(chain, purse, plan.limits, cheaper if plan.limits.then == "cheaper" else None)
    return Minds(plan, mind, mind, embedder, tuple(gates.values()))


def _embedder(plan: Plan, gates: dict[str, Gate]) -> Embedder:
    if plan.embeddings is None:
        return LexicalEmbedder(plan.dimension)
    embedder = ApiEmbedder(plan.embeddings, plan.dimension)
    return GuardedEmbedder(embedder, _gate(f"embeddings {embedder.name}", gates))


def _guarded(models: Sequence[Model], purse: Purse, gates: dict[str, Gate]) -> list[Guarded]:
    """One breaker a model, also where it is in the chain and the cheaper one too."""
    return [Guarded(ModelMind(model), _gate(model.label, gates), purse.owe) for model in models]


def _gate(service: str, gates: dict[str, Gate]) -> Gate:
    if service not in gates:
        gates[service] = Gate(service)
    return gates[service]
