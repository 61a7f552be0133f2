"""Metrics of the learner as Prometheus reads them: over HTTP."""

import asyncio
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from aloe.learner.adapters.audio.files import AudioFiles
from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.adapters.prometheus import PrometheusRecorder
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.task import Task
from aloe.learner.recorder import HeadTimes, NoRecorder, Phase
from aloe.learner.usecases.choosing import Question
from aloe.learner.usecases.label_import import KnownLabel
from aloe.learner.usecases.learner import Learner
from aloe.serving.metrics import MetricsUnavailable
from aloe.values.states import Split
from aloe.values.stopping import UncertaintyRule

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def scrape(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310
        text = response.read().decode()
    return {
        " ".join([sample.name.removeprefix("aloe_learner_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("aloe_learner_") and "le" not in sample.labels
    }


async def test_what_a_head_took_and_what_a_query_took_is_counted(tmp_path: Path):
    store, recorder = MemoryStore(), PrometheusRecorder()
    pool = Pool("p", EncoderInfo("e", "f", 2), keep_audio=False, epoch="e", create_time=NOW)
    await store.create_pool(pool)
    vectors = np.arange(12, dtype=np.float32).reshape(6, 2)
    await store.append_clips(pool, [Clip(f"c{n}", f"h{n}") for n in range(6)], vectors)
    # No audio is embedded here.
    nothing: Any = None
    audio = AudioFiles(str(tmp_path), store.identity)
    learner = Learner(
        store,
        nothing,
        audio,
        lambda: NOW,
        recording_files=nothing,
        recording_decoder=nothing,
        recorder=recorder,
    )
    url = recorder.serve("127.0.0.1:0", lambda: learner.pool_cache.byte_count, ())
    task = Task("t", "p", ("a", "b"), epoch="e", create_time=NOW, stopping_rule=UncertaintyRule())
    await learner.tasks.create(task)
    labels = [KnownLabel("p", f"c{n}", "ab"[n], Split.TRAIN) for n in range(2)]
    await learner.label_importer.import_labels("t", labels)
    for version in (1, 1):
        await learner.labeling.query("t", Question("ann", 1, version))
    await learner.stop()
    found = await asyncio.to_thread(scrape, url)
    assert found["rounds_total"] == 1
    for phase in ("reading", "training", "evaluation", "statistics", "publishing"):
        assert found[f"phase_seconds_count {phase}"] == 1
        assert found[f"phase_seconds_sum {phase}"] > 0
    # The second query finds the scores of the first.
    assert found["phase_seconds_count scoring"] == 1
    assert found["phase_seconds_count selection"] == 2
    assert found["query_seconds_count"] == 2
    assert found["pool_cache_bytes"] == vectors.nbytes
    [report] = await learner.tasks.rounds("t", 1, 10)
    assert set(report.times) == set(Phase)


async def test_what_may_cost_labels_is_1_while_it_is_so():
    recorder = PrometheusRecorder()
    url = recorder.serve("127.0.0.1:0", lambda: 0, ())
    recorder.store_warned({"fsync"})
    found = await asyncio.to_thread(scrape, url)
    assert (found["store_warning fsync"], found["store_warning eviction"]) == (1, 0)
    recorder.store_warned(())
    assert (await asyncio.to_thread(scrape, url))["store_warning fsync"] == 0


def test_an_address_that_cannot_be_served_is_named_with_a_remedy():
    with pytest.raises(
        MetricsUnavailable, match=r"cannot serve metrics on 'nowhere'.*give another"
    ):
        PrometheusRecorder().serve("nowhere", lambda: 0, ())


def test_times_of_a_head_add_up_and_those_of_old_heads_are_forgotten():
    times = HeadTimes(NoRecorder(), kept_count=2)
    for version, spent_s in ((1, 0.5), (1, 0.25), (2, 1.0), (3, 2.0)):
        times.spent(version, Phase.SCORING, spent_s)
    assert times.of(1) == {}
    assert times.of(2) == {Phase.SCORING: 1.0}
    times.spent(2, Phase.SCORING, 0.5)
    assert times.of(2) == {Phase.SCORING: 1.5}
