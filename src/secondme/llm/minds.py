"""The minds of one process, as the plan has them: a chain behind breakers and a budget, or the offline mind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from secondme.domain.breaker import Breaker
from secondme.llm.budget import Budgeted
from secondme.llm.embeddings import ApiEmbedder, LexicalEmbedder
from secondme.llm.fallback import Fallback
from secondme.llm.guarded import FullMind, Guarded
from secondme.llm.model_mind import ModelMind
from secondme.llm.offline import OfflineMind
from secondme.llm.plan import Plan
from secondme.llm.providers import Model
from secondme.llm.purse import Purse
from secondme.ports import Clock, Embedder, Extractor, Mind, Usage


@dataclass(frozen=True, slots=True)
class Minds:
    """Who drafts, who fills in forms (nobody where no model is), and who makes vectors."""

    plan: Plan
    mind: Mind
    extractor: Extractor | None
    embedder: Embedder
    breakers: dict[str, Breaker] = field(default_factory=dict)  # by model

    async def close(self) -> None:
        await self.mind.close()
        await self.embedder.close()


def make_minds(plan: Plan, usage: Usage, clock: Clock, zone: ZoneInfo) -> Minds:
    """Open nothing yet: the first ask connects. A chain that fails never falls through to the offline mind."""
    embedder: Embedder = (
        ApiEmbedder(plan.embeddings, plan.dimension) if plan.embeddings else LexicalEmbedder(plan.dimension)
    )
    if not plan.models:
        return Minds(plan, OfflineMind(), None, embedder)
    purse, breakers = Purse(usage, clock, zone), dict[str, Breaker]()
    chain = Fallback(_guarded(plan.models, purse, breakers))
    cheaper = _guarded([plan.cheaper], purse, breakers)[0] if plan.cheaper else None
    mind = Budgeted(chain, purse, plan.limits, cheaper if plan.limits.then == "cheaper" else None)
    return Minds(plan, mind, mind, embedder, breakers)


def _guarded(models: Sequence[Model], purse: Purse, breakers: dict[str, Breaker]) -> list[FullMind]:
    """One breaker a model, also where it is in the chain and the cheaper one too."""
    return [
        Guarded(ModelMind(model), breakers.setdefault(model.label, Breaker()), purse.owe) for model in models
    ]
