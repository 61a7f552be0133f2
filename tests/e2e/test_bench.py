"""Experiments through real services: what is kept, what is done again and what is refused."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aloe.bench import schema
from aloe.bench.corpus import Corpus
from aloe.bench.datasets import load
from aloe.bench.experiment import Means, run_experiment
from aloe.bench.runs import RunKey
from aloe.bench.spec import ExperimentError
from aloe.bench.spec_file import make_spec
from aloe.bench.task_run import TaskRun
from aloe.client import AcquisitionFunction, SelectionRule, connect, connect_async
from aloe.local import LocalStack, StackOptions

from .conftest import CommandLine

FIXED = [name for name in schema.SCHEMA.names if name not in schema.TIME_COLUMNS]


@dataclass
class Bench:
    """Does experiments on the services of a stack that runs."""

    stack: LocalStack
    table: dict[str, Any]
    embeddings: Path
    started: list[StackOptions] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)
    on_step: Callable[[], object] = int
    """Called at every step; does nothing."""

    def run(self, output: Path, **changes: Any) -> pa.Table:
        means = Means(self.embeddings, start_stack=self.start)
        file = run_experiment(make_spec(self.table | changes), output, means, self)
        return pq.read_table(file)

    def start(self, options: StackOptions) -> nullcontext[LocalStack]:
        self.started.append(options)
        return nullcontext(self.stack)

    def begin(self, what: str, total: int) -> Callable[[], None]:
        self.steps[what] -= total

        def step() -> None:
            self.steps.update([what])
            self.on_step()

        return step

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embeddings")


@pytest.fixture
def bench(stack: LocalStack, recordings: Path, embeddings: Path) -> Bench:
    table = {
        "datasets": [{"name": str(recordings)}],
        "strategies": ["margin", "random"],
        "sampling": ["class-aware", "class-agnostic"],
        "seeds": 2,
        "rounds": 3,
        "seed_labels": 1,
    }
    return Bench(stack, table, embeddings)


def fixed(table: pa.Table) -> pa.Table:
    """Everything that the seeds decide."""
    return table.select(FIXED)


def test_every_head_of_every_run_is_a_row(bench: Bench, tmp_path: Path):
    table = bench.run(tmp_path)
    assert table.schema.equals(schema.SCHEMA)
    rows = table.to_pylist()
    heads = Counter((row["strategy"], row["sampling"], row["seed"]) for row in rows)
    assert heads == {("all_labels", "", seed): 1 for seed in (0, 1)} | {
        (strategy, sampling, seed): 4
        for strategy in ("margin", "random")
        for sampling in ("class-aware", "class-agnostic")
        for seed in (0, 1)
    }
    for row in rows:
        labels = {"class-aware": 5 + 5 * row["round"], "class-agnostic": 5 + row["round"]}
        assert row["label_count"] == labels.get(row["sampling"], 20)
        assert 0 <= row["test_accuracy"] <= 1
        assert 0 <= row["test_calibration_error"] <= 1
        assert row["training_s"] > 0
        # What the stopping rules look at; a ceiling has none, and a first head none before it.
        assert (row["stop"] is None) == (not row["sampling"])
        has_more = bool(row["sampling"]) and row["label_count"] < 20
        assert (row["mean_uncertainty"] is not None) == has_more
        assert (row["prediction_agreement"] is not None) == (has_more and row["round"] > 0)
    assert set(bench.steps.values()) == {0}


def test_picks_are_what_the_next_head_learned_and_starts_are_shared(bench: Bench, tmp_path: Path):
    rows = [row for row in bench.run(tmp_path).to_pylist() if row["sampling"] == "class-aware"]
    for row in rows:
        # A clip's name begins with its class.
        assert [pick.partition("~")[0] for pick in row["picks"]] == row["pick_labels"]
        assert len(row["picks"]) == (5 if row["round"] < 3 else 0)
    scores = [row["pick_scores"] for row in rows if row["strategy"] == "margin"]
    assert all(-1 <= score <= 0 for each in scores for score in each)
    firsts = [row for row in rows if row["round"] == 0]
    for seed in (0, 1):
        assert len({row["training_loss"] for row in firsts if row["seed"] == seed}) == 1
    assert firsts[0]["training_loss"] != firsts[1]["training_loss"]


def test_embeddings_are_made_once_and_then_no_encoder_is_started(bench: Bench, tmp_path: Path):
    first = bench.run(tmp_path / "one", strategies=["margin"], seeds=1)
    bench.started.clear()
    second = bench.run(tmp_path / "two", strategies=["margin"], seeds=1)
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
        table = bench.run(tmp_path, strategies=["margin"], seeds=1, rounds=1)
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
            bench.run(tmp_path / name, strategies=["margin"], seeds=1, rounds=1)
    assert len(pools) == 2


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
        record = await run.do(lambda _: None, hardness)
        await client.delete_task("hard-run")
        await client.delete_pool("hard-clips")
    assert len(record.batches) == 1


def test_an_experiment_may_grow(bench: Bench, tmp_path: Path):
    small = bench.run(tmp_path, strategies=["margin"], seeds=1)
    grown = bench.run(tmp_path, strategies=["margin", "entropy"], seeds=2)
    rows = grown.to_pylist()
    assert {(row["strategy"], row["seed"]) for row in rows if row["sampling"]} == {
        (strategy, seed) for strategy in ("margin", "entropy") for seed in (0, 1)
    }
    assert [row for row in rows if row["strategy"] == "margin" and row["seed"] == 0] == [
        row for row in small.to_pylist() if row["strategy"] == "margin"
    ]


def test_another_experiment_in_the_same_folder_is_refused(bench: Bench, tmp_path: Path):
    bench.run(tmp_path, strategies=["margin"], seeds=1, rounds=1)
    with pytest.raises(ExperimentError, match=r"^rounds is 2, but 1 in .*; give another --output$"):
        bench.run(tmp_path, strategies=["margin"], seeds=1, rounds=2)


def test_runs_on_other_clips_are_refused(bench: Bench, recordings: Path, tmp_path: Path):
    copy = tmp_path / recordings.name
    shutil.copytree(recordings, copy)
    alone = {"strategies": ["margin"], "seeds": 1, "rounds": 1}
    bench.run(tmp_path / "out", datasets=[{"name": str(copy)}], **alone)
    (copy / "a" / next((copy / "a").iterdir())).rename(copy / "e" / "said-to-be-e.wav")
    with pytest.raises(ExperimentError, match="made from other clips, labels or embeddings"):
        bench.run(tmp_path / "out", datasets=[{"name": str(copy)}], **alone)


def test_oracles_err_the_same_in_every_run(bench: Bench, tmp_path: Path):
    oracles = ["abstain:0.3+noise:0.3", "hard:1"]
    rows = bench.run(tmp_path, strategies=["margin"], oracles=oracles).to_pylist()
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
    few = {"strategies": ["margin"], "sampling": ["class-agnostic"], "seeds": 1, "rounds": 2}
    slow = few | {"oracles": ["slow:0.1s"]}
    for count in (1, 2):
        rows = bench.run(tmp_path / str(count), **slow, batches_at_once=count).to_pylist()
        (first,) = [row for row in rows if row["sampling"] and row["round"] == 0]
        assert len(first["picks"]) == count


def test_metadata_say_how_to_do_it_again(bench: Bench, stack: LocalStack, tmp_path: Path):
    table = bench.run(tmp_path, strategies=["margin"], seeds=1)
    about = json.loads(table.schema.metadata[schema.METADATA_KEY])
    assert about["spec"]["strategies"] == ["margin"]
    assert about["versions"]["numpy"]
    (part,) = about["parts"]
    assert len(part["encoder_fingerprint"]) == 32
    assert part["failures"] == {}
    counts = part["clip_counts"]["label"]
    assert sum(sum(of_split.values()) for of_split in counts.values()) == 30
    spec = make_spec(about["spec"])
    assert spec.rounds == 3
    again = bench.run(tmp_path, **about["spec"] | {"datasets": bench.table["datasets"]})
    assert fixed(again).equals(fixed(table))


def test_results_do_not_tell_where_on_the_machine_things_lie(
    bench: Bench, recordings: Path, tmp_path: Path
):
    copy = tmp_path / "copy"
    shutil.copytree(recordings, copy)
    rows = ["path,label,split,start,end\n"]
    for number in range(110):
        source = sorted((copy / "ae"[number % 2]).iterdir())[number % 3]
        name, split = source.relative_to(copy).as_posix(), ("train", "test")[number // 55]
        rows.append(f"{name},{'ae'[number % 2]},{split},0.0{number:03},\n")
    # Starts past its end, which only reading it tells.
    rows.append(f"{name},a,train,1000,\n")
    (copy / "clips.csv").write_text("".join(rows))
    alone = {"strategies": ["margin"], "seeds": 1, "rounds": 1}
    table = bench.run(tmp_path / "out", datasets=[{"name": str(copy / "clips.csv")}], **alone)
    about = json.loads(table.schema.metadata[schema.METADATA_KEY])
    assert len(about["parts"][0]["failures"]) == 1
    assert about["spec"]["datasets"][0]["name"] == "clips.csv"
    assert str(tmp_path) not in json.dumps(about)
    assert str(tmp_path) in (tmp_path / "out" / "experiment.toml").read_text()


def test_results_list_the_versions_and_machines_of_all_their_runs(bench: Bench, tmp_path: Path):
    alone = {"strategies": ["margin"], "seeds": 1, "rounds": 1}
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


def test_a_clip_that_is_no_audio_is_named(bench: Bench, recordings: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(recordings, copy)
    (copy / "a" / "broken.wav").write_bytes(b"no audio")
    with pytest.raises(ExperimentError, match=r"1 of 31 clips of copy .* a~broken.wav: "):
        bench.run(tmp_path / "out", datasets=[{"name": str(copy)}])


def test_the_command_runs_an_experiment_from_a_file(
    bench: Bench, aloe: CommandLine, recordings: Path, tmp_path: Path
):
    bench.run(tmp_path / "library", strategies=["margin"], seeds=1)
    file = tmp_path / "spec.toml"
    file.write_text(
        f'strategies = ["random"]\nseed_labels = 1\nrounds = 2\n[[datasets]]\nname = "{recordings}"'
    )
    found = aloe.json(
        "bench", "run", file, "--server", aloe.server, "--embeddings", bench.embeddings,
        "--seeds", 2, "--strategies", "margin,entropy", "--output", tmp_path / "out",
    )  # fmt: skip
    assert found == {
        "results": str(tmp_path / "out" / "results.parquet"),
        "runs": 2 + 2 * 2,
        "heads": 2 + 2 * 2 * 3,
    }
    assert not [each for each in aloe.json("task", "list") if each["task_id"].startswith("bench-")]
    assert not [each for each in aloe.json("pool", "list") if each["pool_id"].startswith("bench-")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no data set: give --dataset"),
        (["--root", "."], "root given without --dataset"),
        (["--dataset", "fsdd"], "give the root it lies in"),
        (["--dataset", "fsdd", "--root", ".", "--rounds", "0"], "rounds is 0; give at least 1"),
        (["--dataset", "fsdd", "--root", ".", "--strategies", "best"], "strategies has 'best'"),
        (["nowhere.toml"], "cannot read nowhere.toml"),
    ],
)
def test_mistakes_of_an_experiment_get_one_line(
    aloe: CommandLine, tmp_path: Path, arguments, message
):
    done = aloe.run("bench", "run", *arguments, "--output", tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_data_sets_are_checked_and_counted(aloe: CommandLine, recordings: Path):
    counts = aloe.json("bench", "datasets", recordings)["tasks"]["label"]
    assert {split: sum(of_split.values()) for split, of_split in counts.items()} == {
        "train": 20,
        "validation": 5,
        "test": 5,
    }
    assert "train" in aloe.output("bench", "datasets", recordings)
