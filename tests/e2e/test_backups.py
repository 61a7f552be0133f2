"""`aloe pool dump` and `restore`: a pool with its tasks goes to one file and comes back."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from aloe.local import LocalStack
from aloe.redis.connecting import connect_blocking

from .conftest import CommandLine


@pytest.fixture(scope="module")
def vowels(aloe: CommandLine, recordings: Path) -> str:
    """A pool with the recordings."""
    aloe.output("import", "dumped", recordings)
    return "dumped"


def test_a_dumped_pool_is_restored_with_its_tasks(
    aloe: CommandLine, vowels: str, tmp_path: Path, recordings: Path
):
    task = aloe.new_task(
        vowels,
        "saved",
        "--budget",
        9,
        "--acquisition-function",
        "entropy",
        "--stop",
        "plateau",
    )
    leases = aloe.json("query", task, "--count", 3)["leases"]
    answers = [f"{lease['lease_id']}={label}" for lease, label in zip(leases, "ae-", strict=True)]
    aloe.json("submit", task, *answers)
    dump = tmp_path / "vowels.parquet"
    tasks = [each["task_id"] for each in aloe.json("task", "list") if each["pool_id"] == vowels]
    counted = aloe.json("pool", "dump", vowels, dump)
    assert dump.stat().st_mode & 0o077 == 0
    assert (counted["clips"], counted["tasks"]) == (30, len(tasks))
    before = {each: aloe.output("export", each) for each in tasks}
    for each in tasks:
        aloe.output("task", "delete", each, "-y")
    aloe.output("pool", "delete", vowels, "-y")
    harmed = tmp_path / "harmed.parquet"
    harmed.write_bytes(dump.read_bytes()[:-1] + b"x")
    refused = aloe.run("pool", "restore", harmed)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "is damaged: nothing was restored" in refused.stderr
    assert vowels not in aloe.output("pool", "list")
    aloe.json("pool", "restore", dump)
    assert {each: aloe.output("export", each) for each in tasks} == before
    restored = aloe.json("task", "show", task)["task"]
    assert restored["stopping_rule"] == {
        "rule": "plateau",
        "round_count": 10,
        "min_gain": 0.005,
    }
    assert restored["query_strategy"]["acquisition_function"] == "entropy"
    assert (restored["label_budget"], restored["clip_counts"]["budget_spent"]) == (9, 2)
    assert aloe.json("import", vowels, recordings)["existing_count"] == 30
    assert "there already" not in aloe.output("pool", "restore", dump)


def test_a_dump_of_an_older_version_is_restored(aloe: CommandLine, vowels: str, tmp_path: Path):
    dump, old = tmp_path / "now.parquet", tmp_path / "old.parquet"
    aloe.json("pool", "dump", vowels, dump)
    table = pq.read_table(dump)
    about = json.loads(table.schema.metadata[b"aloe"])
    about["format"] = "aloe-pool-1"
    about["pool"]["pool_id"] = "older"
    about["tasks"] = [
        {
            "task_id": "older",
            "classes": ["a", "e", "i", "o", "u"],
            "acquisition_function": "margin",
            "selection_rule": "class-agnostic",
            "head_recipe": {"optimiser": "LbfgsRecipe", "l2_penalty": 0.5},
            "label_budget": None,
            "lease_duration_s": 60.0,
            "seed": "18446744073709551615",
            "max_leases_per_oracle": None,
            "stopping_rule": {"any": ["label_count:12", "uncertainty:0.1"]},
        }
    ]
    clips = table.select(["clip_id", "uri", "content_hash", "duration_s", "embedding"])
    label = {"label": "a", "split": "train", "oracle_id": "ann", "label_time": datetime.now(UTC)}
    labels = pa.array([label] + [None] * (clips.num_rows - 1))
    clips = clips.append_column("older", labels)
    pq.write_table(clips.replace_schema_metadata({"aloe": json.dumps(about)}), old)
    assert "did not seal its dumps" in aloe.run("pool", "restore", old).stderr
    restored = aloe.json("task", "show", "older")["task"]
    assert restored["query_strategy"] == {
        "acquisition_function": "smallest_margin",
        "selection_rule": "class-agnostic",
    }
    assert restored["head_recipe"] == {"optimiser": "lbfgs", "l2_penalty": 0.5}
    assert restored["stopping_rule"]["rules"][1] == {"rule": "uncertainty", "max_uncertainty": 0.1}
    assert restored["seed"] == 2**64 - 1
    assert restored["clip_counts"]["labeled"] == 1


def test_a_restore_beside_the_original_names_its_tasks_anew(aloe: CommandLine, tmp_path: Path):
    aloe.output("pool", "create", "beside")
    recording = tmp_path / "tone.wav"
    soundfile.write(recording, 0.1 * np.sin(np.arange(8_000) / 9), 16_000)
    aloe.output("import", "beside", recording)
    aloe.output("task", "create", "beside-task", "--pool", "beside", "--classes", "low,high")
    aloe.output("pool", "dump", "beside", tmp_path / "beside.parquet")
    for were_there in (False, True):
        done = aloe.run("pool", "restore", tmp_path / "beside.parquet", "--pool", "copy")
        assert done.returncode == 0, done.stderr
        assert "restored as copy-beside-task" in done.stderr
        assert ("1 clip in pool copy (1 were there already)" in done.stderr) is were_there
    assert aloe.json("task", "show", "copy-beside-task")["task"]["pool_id"] == "copy"


def test_a_dump_or_export_that_is_not_whole_is_an_error(
    aloe: CommandLine, stack: LocalStack, tmp_path: Path, recordings: Path
):
    aloe.output("import", "cut", recordings)
    task = aloe.new_task("cut", "cut-labels")
    leases = aloe.json("query", task, "--count", 3)["leases"]
    aloe.json("submit", task, *[f"{lease['lease_id']}=a" for lease in leases])
    client = connect_blocking(stack.redis_url)
    client.hdel("aloe:{task:cut-labels}:labels", *client.hkeys("aloe:{task:cut-labels}:labels")[:2])
    done = aloe.run("export", task)
    assert done.returncode == 1
    assert "holds 1 labels, and by its counters 3" in done.stderr
    assert "aloe doctor --repair" in done.stderr
    client.ltrim("aloe:{pool:cut}:clips", 0, 9)
    dump = tmp_path / "cut.parquet"
    done = aloe.run("pool", "dump", "cut", dump)
    assert done.returncode == 1
    assert "10 of 30 rows" in done.stderr
    assert not dump.exists()
    client.hset("aloe:{pool:cut}:meta", "clip_count", -1)
    for what in ("pool", "task"):
        done = aloe.run(what, "list")
        assert done.returncode == 1
        assert f"aloe: {what}s/cut" in done.stderr
        assert "-1 is no count" in done.stderr
    client.hset("aloe:{pool:cut}:meta", "clip_count", 30)
    aloe.output("task", "delete", task, "-y")
    client.close()
