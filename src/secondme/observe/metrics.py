"""Metrics of this process. Labels are ids of ours, rules and states: never a contact, a name or a number."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from math import nan

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from secondme.domain.breaker import State

REGISTRY = CollectorRegistry()
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

STAGES = ("accept", "claim", "judge", "recall", "compose", "commit", "fence", "send", "settle", "total")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

_OPENNESS = {State.CLOSED: 0.0, State.HALF_OPEN: 0.5, State.OPEN: 1.0}

ProcessCollector(registry=REGISTRY)

whatsapp_connected = Gauge(
    "whatsapp_connected", "1 while the account's channel can send, else 0.", ["account"], registry=REGISTRY
)
messages_received = Counter(
    "messages_received_total", "Inbound messages that are durable.", ["channel"], registry=REGISTRY
)
tokens_used = Counter(
    "tokens_used_total", "Tokens by mind and kind (input, output).", ["mind", "kind"], registry=REGISTRY
)
cache_hit_rate = Gauge(
    "cache_hit_rate", "Share of input tokens that providers read from their cache.", registry=REGISTRY
)
active_pauses = Gauge("active_pauses_total", "Contacts that are paused now.", registry=REGISTRY)

stage_seconds = Histogram(
    "secondme_stage_seconds", "Time in each stage.", ["stage"], buckets=_BUCKETS, registry=REGISTRY
)
receipts = Counter(
    "secondme_receipts_total", "How inbound messages ended.", ["outcome", "rule"], registry=REGISTRY
)
deliveries = Counter(
    "secondme_deliveries_total", "Deliveries by final status.", ["status"], registry=REGISTRY
)
signal_errors = Counter(
    "secondme_signal_errors_total", "Calls to Redis that failed and were passed over.", registry=REGISTRY
)
kept_aside = Counter("secondme_kept_aside_total", "Poison items that were kept aside.", registry=REGISTRY)
webhooks_believed = Counter(
    "secondme_webhooks_believed_total", "Webhooks whose signature was right.", registry=REGISTRY
)
webhooks_refused = Counter(
    "secondme_webhooks_refused_total",
    "Webhooks that were not believed, by what was wrong: signature or token.",
    ["wrong"],
    registry=REGISTRY,
)
webhook_others = Counter(
    "secondme_webhook_others_total",
    "Items of webhooks that were acknowledged and not kept, by kind.",
    ["kind"],
    registry=REGISTRY,
)
invariant_breaches = Counter(
    "secondme_invariant_breaches_total", "Broken invariants, by number.", ["invariant"], registry=REGISTRY
)
due_conversations = Gauge("secondme_due_conversations", "Conversations that are due now.", registry=REGISTRY)
learned = Counter(
    "secondme_learned_total",
    "Messages that memory has looked at, by result: learned, nothing_said, passed_over, taken_back or refused.",
    ["result"],
    registry=REGISTRY,
)
mind_failures = Counter(
    "secondme_mind_failures_total",
    "Answers of minds that could not be used.",
    ["mind", "cause"],
    registry=REGISTRY,
)

model_asks = Counter(
    "secondme_model_asks_total",
    "Asks of each model by how they ended: ok, or the cause of the failure.",
    ["model", "result"],
    registry=REGISTRY,
)
breaker_open = Gauge(
    "secondme_breaker_open",
    "Outside services as this process sees them: 0 asked, 0.5 about to be probed, 1 left alone.",
    ["service"],
    registry=REGISTRY,
)

_input_tokens = {"all": 0, "cached": 0}

# An alert on an increase misses the first event of a series that did not exist before it.
_stages = {stage: stage_seconds.labels(stage) for stage in STAGES}
for _wrong in ("signature", "token"):
    webhooks_refused.labels(_wrong)
for _number in range(1, 13):
    invariant_breaches.labels(str(_number))
cache_hit_rate.set(nan)  # unknown is not a low rate


def record_usage(mind: str, input_tokens: int, output_tokens: int, cached_tokens: int) -> None:
    """Count one answer's tokens; `cached_tokens` is the part of `input_tokens` that came from a cache."""
    tokens_used.labels(mind, "input").inc(input_tokens)
    tokens_used.labels(mind, "output").inc(output_tokens)
    _input_tokens["all"] += input_tokens
    _input_tokens["cached"] += min(cached_tokens, input_tokens)
    if _input_tokens["all"]:
        cache_hit_rate.set(_input_tokens["cached"] / _input_tokens["all"])


def webhooks() -> dict[str, int]:
    """How many webhooks had a good signature since this process began, and how many a bad one."""
    bad = REGISTRY.get_sample_value("secondme_webhooks_refused_total", {"wrong": "signature"})
    good = REGISTRY.get_sample_value("secondme_webhooks_believed_total")
    return {"believed": int(good or 0), "unsigned": int(bad or 0)}


def watch_breaker(service: str, state: Callable[[], State]) -> None:
    """Show a breaker's state as it is whenever somebody looks."""
    breaker_open.labels(service).set_function(lambda: _OPENNESS[state()])


def timed(stage: str) -> AbstractContextManager[object]:
    """Observe how long the block takes, also when it raises. Raises ValueError for a stage not in STAGES."""
    if stage not in _stages:
        raise ValueError(f"{stage!r} is no stage; use one of {', '.join(STAGES)}.")
    return _stages[stage].time()


def render() -> bytes:
    """What `/metrics` answers, in the format that CONTENT_TYPE names."""
    return generate_latest(REGISTRY)
