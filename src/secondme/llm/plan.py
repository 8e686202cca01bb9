"""What the settings say about minds, read and checked at once, before anything is opened."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from secondme.domain.errors import ConfigError
from secondme.llm import ollama
from secondme.llm.budget import Limits
from secondme.llm.providers import PROVIDERS, Model, ModelSpec, parse_models

OFFLINE = "offline"  # as SECONDME_MODELS: no model, also where there is an Ollama
_LEXICAL = "lexical"


@dataclass(frozen=True, slots=True)
class Wishes:
    """The settings as they were written. `primary` and `fallback` are OpenRouter's own variables."""

    models: Sequence[ModelSpec] = ()
    primary: str | None = None
    fallback: str | None = None
    limits: Limits | None = None
    cheaper: str | None = None
    embeddings: str | None = None
    dimension: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is asked, in this order, and for how much. No models: the offline mind. No embeddings: the lexical ones."""

    models: tuple[Model, ...] = ()
    cheaper: Model | None = None
    limits: Limits = field(default_factory=Limits)
    embeddings: Model | None = None
    dimension: int | None = None
    named: bool = True  # False: nobody named a model


def make_plan(wishes: Wishes, environment: Mapping[str, str]) -> Plan:
    """The plan; `environment` holds keys and base URLs by variable.

    Raises ConfigError naming everything that is wrong, and what is accepted.
    """
    problems: list[str] = []

    def read(specs: Sequence[ModelSpec], setting: str) -> list[Model]:
        try:
            return parse_models(specs, environment, setting=setting)
        except ConfigError as error:
            problems.extend(error.problems)
            return []

    offline = [spec.model.strip().lower() for spec in wishes.models] == [OFFLINE]
    specs, setting = _chain(wishes)
    models = [] if offline else read(specs, setting)
    cheaper = read([ModelSpec(wishes.cheaper)], "SECONDME_BUDGET_MODEL") if wishes.cheaper else []
    embeddings = _embeddings(wishes.embeddings, read, problems)
    limits = wishes.limits or Limits()
    if limits.then == "cheaper" and not wishes.cheaper:
        problems.append("SECONDME_BUDGET_THEN is cheaper: name the model in SECONDME_BUDGET_MODEL.")
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    return Plan(
        tuple(models),
        cheaper[0] if cheaper else None,
        limits,
        embeddings,
        wishes.dimension,
        named=bool(specs),
    )


async def with_ollama(plan: Plan, environment: Mapping[str, str]) -> Plan:
    """The plan, with the Ollama of this machine where nobody named a model and one answers there."""
    if plan.named or (name := await ollama.first_model(environment)) is None:
        return plan
    try:
        return replace(plan, models=tuple(parse_models([ModelSpec(f"ollama:{name}")], environment)))
    except ConfigError:
        return plan  # a model whose name nobody can write into a setting either


def keys_without_model(environment: Mapping[str, str]) -> list[str]:
    """Variables that hold a key although no model is named: somebody expects that to be enough."""
    return sorted(name for name in environment if name.endswith("_API_KEY"))


def _chain(wishes: Wishes) -> tuple[Sequence[ModelSpec], str]:
    if wishes.models:
        return wishes.models, "SECONDME_MODELS"
    names = [name for name in (wishes.primary, wishes.fallback) if name]
    chain = [ModelSpec(f"openrouter:{name.strip()}") for name in names]
    return chain, "OPENROUTER_PRIMARY_MODEL or OPENROUTER_FALLBACK_MODEL"


def _embeddings(
    wish: str | None, read: Callable[[Sequence[ModelSpec], str], list[Model]], problems: list[str]
) -> Model | None:
    if not wish or wish.strip().lower() == _LEXICAL:
        return None
    provider = PROVIDERS.get(wish.partition(":")[0].strip().lower())
    if provider and not provider.embeds:  # whatever else it lacks
        problems.append(
            f"SECONDME_EMBEDDINGS: {provider.name} offers no embeddings; use another provider, or lexical."
        )
        return None
    found = read([ModelSpec(wish)], "SECONDME_EMBEDDINGS")
    return found[0] if found else None
