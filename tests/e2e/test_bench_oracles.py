"""Experiments with oracles that err, take their time or do not fit."""

import re
from pathlib import Path

import pytest
from tests.e2e.experiments import Bench

from aloe.bench.datasets import load
from aloe.bench.run.corpus import Corpus
from aloe.bench.run.task_run import TaskRun
from aloe.bench.spec import ExperimentError
from aloe.bench.spec.run_keys import RunKey
from aloe.bench.spec.toml import make_spec
from aloe.client import AcquisitionFunction, SelectionRule, connect_async


async def test_hardness_is_found_out_before_the_task_is_created(
    bench: Bench, recordings: Path, tmp_path: Path
):
    corpus = Corpus.of_dataset(load(recordings), ["label"])
    spec = make_spec(bench.table | {"rounds": 1, "stop": []})
    key = RunKey("label", AcquisitionFunction.RANDOM, SelectionRule.CLASS_AWARE, "hard:1", 0)
    async with connect_async(bench.stack.learner_address) as client:
        await client.create_pool("hard-clips")
        await client.import_clips("hard-clips", corpus.clips())

        async def hardness() -> dict[str, float]:
            assert [each.task_id for each in await client.list_tasks("hard-clips")] == []
            return dict.fromkeys(corpus.splits, 0.0)

        run = TaskRun(client, corpus, spec, "hard-clips", "hard-run", key)
        record = await run.do(lambda: None, hardness)
        await client.delete_task("hard-run")
        await client.delete_pool("hard-clips")
    assert len(record.batches) == 1


def test_oracles_err_the_same_in_every_run(bench: Bench, tmp_path: Path):
    oracles = ["abstain:0.3+noise:0.3", "hard:1"]
    rows = bench.run(
        tmp_path, acquisition_functions=["smallest_margin"], oracles=oracles
    ).to_pylist()
    assert {row["oracle"] for row in rows} == {"perfect", *oracles}
    said: dict[tuple[str, int, str], set[str]] = {}
    for row in rows:
        for clip_id, label in zip(row["picks"] or [], row["pick_labels"] or [], strict=True):
            said.setdefault((row["oracle"], row["seed"], clip_id), set()).add(label)
    assert all(len(each) == 1 for each in said.values())
    wrong = {
        key[0] for key, (label,) in said.items() if label and key[2].partition("~")[0] != label
    }
    assert wrong == set(oracles)
    assert any(label is None for each in said.values() for label in each)


def test_an_oracle_that_does_not_fit_the_classes_is_refused_before_anything_starts(
    bench: Bench, tmp_path: Path
):
    with pytest.raises(ExperimentError) as caught:
        bench.run(tmp_path, oracles=["confusion:a>z:0.5"])
    assert re.fullmatch(
        r"oracles has 'confusion:a>z:0.5', but of .*, task label: .* names 'z'; the classes are"
        r" a, e, i, o, u; drop the oracle, or name the tasks that it fits",
        str(caught.value),
    )
    assert bench.started == []


def test_a_slow_oracle_may_hold_several_batches(bench: Bench, tmp_path: Path):
    """Both are asked of the head of the seed labels, which one batch at a time never is."""
    few = {
        "acquisition_functions": ["smallest_margin"],
        "selection_rules": ["class-agnostic"],
        "seeds": 1,
        "rounds": 2,
    }
    slow = few | {"oracles": ["slow:0.1s"]}
    for count in (1, 2):
        rows = bench.run(tmp_path / str(count), **slow, batches_at_once=count).to_pylist()
        (first,) = [row for row in rows if row["selection_rule"] and row["round"] == 0]
        assert len(first["picks"]) == count
