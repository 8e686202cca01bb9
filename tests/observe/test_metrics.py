"""The documented metric names, and what keeps their figures true."""

import math
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from secondme.observe import metrics


def _read() -> dict[str, float]:
    """Every sample, keyed by its name and labels as one string."""
    found = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_documented_names_are_served() -> None:
    metrics.whatsapp_connected.labels("main").set(1)
    metrics.messages_received.labels("simulator").inc()
    metrics.tokens_used.labels("openai:gpt", "input").inc(0)
    metrics.active_pauses.set(2)
    metrics.receipts.labels("silent", "switch").inc()
    metrics.deliveries.labels("sent").inc()
    metrics.mind_failures.labels("openai:gpt", "timeout").inc()
    found = _read()
    for name in (
        "whatsapp_connected{account=main}",
        "messages_received_total{channel=simulator}",
        "tokens_used_total{kind=input,mind=openai:gpt}",
        "cache_hit_rate{}",
        "active_pauses_total{}",
        "secondme_receipts_total{outcome=silent,rule=switch}",
        "secondme_deliveries_total{status=sent}",
        "secondme_signal_errors_total{}",
        "secondme_kept_aside_total{}",
        "secondme_invariant_breaches_total{invariant=12}",
        "secondme_due_conversations{}",
        "secondme_mind_failures_total{cause=timeout,mind=openai:gpt}",
        "process_resident_memory_bytes{}",
    ):
        assert name in found
    assert found["active_pauses_total{}"] == 2


@pytest.mark.parametrize("stage", metrics.STAGES)
def test_every_stage_has_a_series_from_the_start(stage: str) -> None:
    assert f"secondme_stage_seconds_count{{stage={stage}}}" in _read()


def test_timed_observes_also_what_raises() -> None:
    before = _read()["secondme_stage_seconds_count{stage=judge}"]
    with metrics.timed("judge"):
        pass
    with pytest.raises(ZeroDivisionError), metrics.timed("judge"):
        _ = 1 / 0
    assert _read()["secondme_stage_seconds_count{stage=judge}"] == before + 2
    with pytest.raises(ValueError, match="no stage"), metrics.timed("lunch"):
        pass


def test_the_cache_hit_rate_comes_from_usage_and_is_unknown_before() -> None:
    program = (
        "from secondme.observe import metrics as m\n"
        "print(m.cache_hit_rate._value.get())\n"
        "m.record_usage('openai:gpt', 0, 0, 0); print(m.cache_hit_rate._value.get())\n"
        "m.record_usage('openai:gpt', 100, 7, 64); m.record_usage('groq:x', 100, 7, 0)\n"
        "print(m.cache_hit_rate._value.get())\n"
        "print(m.REGISTRY.get_sample_value('tokens_used_total', {'mind': 'openai:gpt', 'kind': 'output'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={"PYTHONPATH": "src"},
    )
    first, second, third, output = map(float, done.stdout.split())
    assert math.isnan(first)
    assert math.isnan(second)
    assert third == pytest.approx(0.32)
    assert output == 7
