"""Experiments done again: what is not done twice, what may be added, and what is refused."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.e2e.experiments import Bench, fixed

from aloe.bench.results import schema
from aloe.bench.spec import ExperimentError
from aloe.client import connect


def test_embeddings_are_made_once_and_then_no_encoder_is_started(bench: Bench, tmp_path: Path):
    first = bench.run(tmp_path / "one", acquisition_functions=["smallest_margin"], seeds=1)
    bench.started.clear()
    second = bench.run(tmp_path / "two", acquisition_functions=["smallest_margin"], seeds=1)
    assert [options.encoder for options in bench.started] == [None]
    assert fixed(first).equals(fixed(second))


def test_what_is_missing_is_done_and_nothing_else(bench: Bench, tmp_path: Path):
    whole = bench.run(tmp_path)
    files = sorted((tmp_path / "runs").iterdir())
    (tmp_path / schema.RESULTS_FILE).unlink()
    for file in files[2:5]:
        file.unlink()
    (tmp_path / "runs" / f"{files[2].name}.unfinished").write_bytes(b"half a ru")
    kept = {file: file.stat().st_mtime_ns for file in files[:2] + files[5:]}
    again = bench.run(tmp_path)
    assert fixed(whole).equals(fixed(again))
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert [note.partition(": ")[2] for note in bench.notes] == [
        "10 of 10 runs to do",
        "3 of 10 runs to do",
    ]
    # With nothing to do, nothing is started.
    bench.started.clear()
    assert bench.run(tmp_path).equals(again)
    assert bench.started == []


def test_results_are_there_though_the_pool_is_still_in_use(bench: Bench, tmp_path: Path):
    """A task of somebody else's keeps the pool from being deleted."""
    with connect(bench.stack.learner_address) as learner:

        def hold() -> None:
            # At the first steps the pool is not there yet.
            for pool in learner.list_pools():
                if pool.pool_id.startswith("bench-") and not held:
                    held.append(pool.pool_id)
                    learner.create_task("holds", pool.pool_id, ["a", "b"])

        held: list[str] = []
        bench.on_step = hold
        table = bench.run(tmp_path, acquisition_functions=["smallest_margin"], seeds=1, rounds=1)
        assert table.num_rows == 1 + 2 * 2
        assert bench.notes[-1].startswith(f"the pool {held[0]} stays on the learner: ")
        learner.delete_task("holds")
        learner.delete_pool(held[0])


def test_experiments_on_the_same_data_have_pools_of_their_own(bench: Bench, tmp_path: Path):
    pools: set[str] = set()
    with connect(bench.stack.learner_address) as learner:
        bench.on_step = lambda: pools.update(
            pool.pool_id for pool in learner.list_pools() if pool.pool_id.startswith("bench-")
        )
        for name in ("one", "two"):
            bench.run(tmp_path / name, acquisition_functions=["smallest_margin"], seeds=1, rounds=1)
    assert len(pools) == 2


def test_an_experiment_may_grow(bench: Bench, tmp_path: Path):
    small = bench.run(tmp_path, acquisition_functions=["smallest_margin"], seeds=1)
    grown = bench.run(tmp_path, acquisition_functions=["smallest_margin", "entropy"], seeds=2)
    rows = grown.to_pylist()
    assert {
        (row["acquisition_function"], row["seed"]) for row in rows if row["selection_rule"]
    } == {(function, seed) for function in ("smallest_margin", "entropy") for seed in (0, 1)}
    assert [
        row for row in rows if row["acquisition_function"] == "smallest_margin" and row["seed"] == 0
    ] == [row for row in small.to_pylist() if row["acquisition_function"] == "smallest_margin"]


def test_another_experiment_in_the_same_folder_is_refused(bench: Bench, tmp_path: Path):
    bench.run(tmp_path, acquisition_functions=["smallest_margin"], seeds=1, rounds=1)
    with pytest.raises(ExperimentError, match=r"^rounds is 2, but 1 in .*; give another --output$"):
        bench.run(tmp_path, acquisition_functions=["smallest_margin"], seeds=1, rounds=2)


def test_runs_on_other_clips_are_refused(bench: Bench, recordings: Path, tmp_path: Path):
    copy = tmp_path / recordings.name
    shutil.copytree(recordings, copy)
    alone = {"acquisition_functions": ["smallest_margin"], "seeds": 1, "rounds": 1}
    bench.run(tmp_path / "out", datasets=[{"name": str(copy)}], **alone)
    (copy / "a" / next((copy / "a").iterdir())).rename(copy / "e" / "said-to-be-e.wav")
    with pytest.raises(ExperimentError, match="made from other clips, labels or embeddings"):
        bench.run(tmp_path / "out", datasets=[{"name": str(copy)}], **alone)


def test_results_list_the_versions_and_machines_of_all_their_runs(bench: Bench, tmp_path: Path):
    alone = {"acquisition_functions": ["smallest_margin"], "seeds": 1, "rounds": 1}
    bench.run(tmp_path, **alone)
    file = next((tmp_path / "runs").iterdir())
    run = pq.read_table(file)
    metadata = dict(run.schema.metadata)
    (key,) = [each for each in metadata if b"numpy" in metadata[each]]
    process = json.loads(metadata[key])
    process["versions"]["numpy"] = "1.0.0"
    metadata[key] = json.dumps(process).encode()
    pq.write_table(run.replace_schema_metadata(metadata), file)
    about = json.loads(bench.run(tmp_path, **alone).schema.metadata[schema.METADATA_KEY])
    assert [each["numpy"] == "1.0.0" for each in about["versions"]].count(True) == 1
    assert len(about["versions"]) == 2
    assert about["machine"] == process["machine"]
    assert bench.notes[-1] == (
        "not all runs were made with the same versions: results.parquet lists 2 in its metadata"
    )
