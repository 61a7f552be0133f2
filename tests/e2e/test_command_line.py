"""The commands one after the other, as the README has them, against real services."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .conftest import CommandLine


@pytest.fixture(scope="module")
def vowels(aloe: CommandLine, recordings: Path) -> str:
    """A pool with the recordings."""
    aloe.output("import", "vowels", recordings)
    return "vowels"


def new_task(aloe: CommandLine, pool: str, name: str, *options: object) -> str:
    aloe.output("task", "create", name, "--pool", pool, "--classes", "a,e,i,o,u", *options)
    return name


def test_importing_again_skips_what_is_there(aloe: CommandLine, vowels: str, recordings: Path):
    summary = aloe.json("import", vowels, recordings)
    assert summary == {"imported_count": 0, "existing_count": 30, "failures": []}
    assert aloe.json("pool", "show", vowels)["clip_count"] == 30


def test_a_file_that_is_no_audio_is_named_and_the_rest_is_imported(
    aloe: CommandLine, recordings: Path, tmp_path: Path
):
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    good = next(recordings.rglob("*.wav"))
    (tmp_path / "good.wav").write_bytes(good.read_bytes())
    done = aloe.run("import", "mixed", tmp_path)
    assert done.returncode == 1
    assert "broken.wav" in done.stderr
    assert "Traceback" not in done.stderr
    assert aloe.json("pool", "show", "mixed")["clip_count"] == 1


def test_keys_label_skip_and_take_back(aloe: CommandLine, vowels: str):
    task = new_task(aloe, vowels, "keys")
    done = aloe.run("label", task, "--no-play", "--json", stdin="a\ne\n?\n-\n<\ni\n.\n")
    assert done.returncode == 0, done.stderr
    assert '"label_count": 3, "abstention_count": 0' in done.stdout
    counts = aloe.json("task", "show", task)["task"]["clip_counts"]
    assert (counts["labeled"], counts["abstained"], counts["leased"]) == (3, 0, 0)
    rows = list(csv.DictReader(io.StringIO(aloe.output("export", task))))
    assert sorted(row["label"] for row in rows) == ["a", "e", "i"]
    assert {row["oracle_id"] for row in rows} == {"ann"}


def test_query_and_submit_label_from_a_script(aloe: CommandLine, vowels: str):
    task = new_task(aloe, vowels, "scripted", "--budget", 3)
    leases = aloe.json("query", task, "--count", 2)["leases"]
    answers = [f"{leases[0]['lease_id']}=a", f"{leases[1]['lease_id']}=o"]
    result = aloe.json("submit", task, *answers)
    assert result == {"head_version": 1, "label_count": 2}
    again = aloe.json("query", task, "--count", 5, "--min-head", 1)
    assert (again["head_version"], len(again["leases"])) == (1, 1)
    assert again["leases"][0]["predicted_class"] in "aeiou"
    assert aloe.json("query", task)["pool_state"] == "budget_spent"


def test_a_file_that_cannot_be_heard_does_not_stop_the_others(
    aloe: CommandLine, vowels: str, recordings: Path, tmp_path: Path
):
    task = new_task(aloe, vowels, "mixed")
    known = tmp_path / "known.csv"
    lines = [
        f"{path.parent.name}~{path.name},{path.parent.name}" for path in recordings.rglob("*.wav")
    ]
    known.write_text("clip_id,label\n" + "\n".join(lines))
    aloe.output("task", "import-labels", task, known)
    aloe.json("query", task, "--min-head", 1)
    noise, empty, large = (tmp_path / f"{name}.wav" for name in ("noise", "empty", "large"))
    noise.write_bytes(b"no audio at all")
    empty.write_bytes(b"")
    with large.open("wb") as file:
        file.truncate(100 * 1024 * 1024)  # More than a message may hold.
    good = sorted((recordings / "a").glob("*.wav"))
    done = aloe.run("predict", task, noise, *good, empty, large, "--json")
    assert done.returncode == 1
    rows = json.loads(done.stdout)
    assert [Path(each["path"]).name for each in rows] == [
        "noise.wav",
        *(path.name for path in good),
        "empty.wav",
        "large.wav",
    ]
    failed = {Path(each["path"]).name: each["error"] for each in rows if each["error"]}
    assert failed.keys() == {"noise.wav", "empty.wav", "large.wav"}
    assert all(each["label"] in "aeiou" for each in rows if not each["error"])
    for path, problem in ((noise, "noise"), (empty, "empty"), (large, "large")):
        assert f"{path}: {failed[f'{problem}.wav']}" in " ".join(done.stderr.split())


def test_known_labels_train_a_head_that_predicts_and_is_exported(
    aloe: CommandLine, vowels: str, recordings: Path, tmp_path: Path
):
    rules = ["--stop", "label_count:12", "--stop", "uncertainty:0.0", "--stop-when", "all"]
    task = new_task(aloe, vowels, "known", *rules)
    known = tmp_path / "known.csv"
    with known.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip_id", "label", "split"])
        for place, path in enumerate(sorted(recordings.rglob("*.wav"))):
            split = "test" if place % 3 == 0 else "train"
            writer.writerow([f"{path.parent.name}~{path.name}", path.parent.name, split])
    assert aloe.json("task", "import-labels", task, known)["head_version"] == 1
    aloe.json("query", task, "--min-head", 1)
    found = aloe.json("predict", task, recordings / "a", recordings / "u")
    right = [Path(each["path"]).parent.name == each["label"] for each in found]
    assert np.mean(right) > 0.6
    assert sum(found[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    shown = aloe.json("task", "show", task)
    assert shown["last_round"]["test"]["clip_count"] == 10
    assert shown["last_round"]["head_times"]["publishing_duration"] >= 0
    assert shown["task"]["stopping_rule"] == {
        "rule": "all",
        "rules": [
            {"rule": "label_count", "label_count": 12},
            {"rule": "uncertainty", "max_uncertainty": 0.0},
        ],
    }
    advice = shown["task"]["stop_advice"]
    assert [each["verdict"] for each in advice["reasons"]] == ["stop", "continue"]
    assert advice["verdict"] == "continue"
    table = " ".join(aloe.output("task", "show", task).split())
    assert "advice go on" in table
    assert "stop: 20 labels; 12 are enough" in table
    assert "last training" in table
    changed = aloe.json("task", "update", task, "--stop", "label_count:12")["task"]
    assert changed["stop_advice"]["verdict"] == "stop"
    assert aloe.json("task", "update", task, "--no-stop")["task"]["stopping_rule"] is None
    aloe.output("export", task, "--what", "head", "-o", tmp_path / "head.npz")
    head = np.load(tmp_path / "head.npz")
    assert head["weights"].shape == (aloe.json("pool", "show", vowels)["embedding_dim"], 5)
    assert head["classes"].tolist() == ["a", "e", "i", "o", "u"]


def test_the_event_log_replays_to_what_is_stored(aloe: CommandLine, vowels: str):
    task = new_task(aloe, vowels, "replayed")
    leases = aloe.json("query", task, "--count", 3)["leases"]
    aloe.json("submit", task, f"{leases[0]['lease_id']}=a", f"{leases[1]['lease_id']}=-")
    aloe.json("submit", task, f"{leases[0]['lease_id']}=e")
    replay = aloe.json("task", "replay", task)
    assert replay["differences"] == []
    assert replay["label_count"] == 2


def test_a_dumped_pool_is_restored_with_its_tasks(
    aloe: CommandLine, vowels: str, tmp_path: Path, recordings: Path
):
    task = new_task(
        aloe,
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
    assert (counted["clips"], counted["tasks"]) == (30, len(tasks))
    before = {each: aloe.output("export", each) for each in tasks}
    for each in tasks:
        aloe.output("task", "delete", each, "-y")
    aloe.output("pool", "delete", vowels, "-y")
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
    aloe.json("pool", "restore", old)
    restored = aloe.json("task", "show", "older")["task"]
    assert restored["query_strategy"] == {
        "acquisition_function": "smallest_margin",
        "selection_rule": "class-agnostic",
    }
    assert restored["head_recipe"] == {"optimiser": "lbfgs", "l2_penalty": 0.5}
    assert restored["stopping_rule"]["rules"][1] == {"rule": "uncertainty", "max_uncertainty": 0.1}
    assert restored["seed"] == 2**64 - 1
    assert restored["clip_counts"]["labeled"] == 1


def test_an_update_changes_what_is_named_and_leaves_the_rest(aloe: CommandLine, vowels: str):
    task = new_task(aloe, vowels, "updated", "--acquisition-function", "entropy", "--budget", 5)
    changed = aloe.json("task", "update", task, "--selection-rule", "class-agnostic", "--lease", 60)
    assert changed["task"]["query_strategy"] == {
        "acquisition_function": "entropy",
        "selection_rule": "class-agnostic",
    }
    assert (changed["task"]["lease_duration"], changed["task"]["label_budget"]) == (60.0, 5)
    assert aloe.json("task", "update", task, "--no-budget")["task"]["label_budget"] is None


def test_simulate_runs_on_a_folder_of_classes(aloe: CommandLine, recordings: Path, tmp_path: Path):
    plot = tmp_path / "curves.png"
    found = aloe.json(
        "simulate", recordings, "--server", aloe.server, "--rounds", 2, "--seed-labels", 1,
        "--acquisition-functions", "smallest_margin,random", "--plot", plot,
    )  # fmt: skip
    assert [(run["acquisition_function"], run["labels"]) for run in found["runs"]] == [
        ("smallest_margin", 15),
        ("random", 15),
    ]
    assert set(found["ceilings"]) == {"label"}
    assert len(found["runs"][0]["test_curve"]) == 3
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert not [each for each in aloe.json("task", "list") if each["task_id"].startswith("bench-")]
    assert not [each for each in aloe.json("pool", "list") if each["pool_id"].startswith("bench-")]


def test_simulate_shows_a_row_for_each_acquisition_function(aloe: CommandLine, recordings: Path):
    shown = aloe.output(
        "simulate", recordings, "--server", aloe.server, "--rounds", 1, "--seed-labels", 1,
        "--acquisition-functions", "entropy", "--selection-rule", "class-agnostic",
    )  # fmt: skip
    assert "class-agnostic" in shown
    assert "entropy" in shown
    assert "of 20" in shown


def test_simulated_oracles_may_err_or_abstain(aloe: CommandLine, recordings: Path):
    found = aloe.json(
        "simulate", recordings, "--server", aloe.server, "--rounds", 2, "--seed-labels", 1,
        "--acquisition-functions", "random", "--oracle", "noise:0.5+abstain:1",
    )  # fmt: skip
    assert [run["labels"] for run in found["runs"]] == [5]
    assert found["settings"]["oracles"] == ["noise:0.5+abstain:1"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["task", "show", "nowhere"], 1, "there is no tasks/nowhere"),
        (["task", "create", "x", "--pool", "nowhere", "--classes", "a,b"], 1, "pools/nowhere"),
        (["task", "create", "x", "--pool", "vowels", "--classes", "a"], 1, "task.classes"),
        (
            [
                *("task", "create", "x", "--pool", "v", "--classes", "a,b"),
                *("--acquisition-function", "margin"),
            ],
            2,
            "'margin'",
        ),
        (["task", "update", "x"], 1, "at least one"),
        (["task", "update", "x", "--stop", "never"], 2, "'never' is no rule"),
        (["import", "bad/id", "pyproject.toml"], 1, "bad/id"),
        (["simulate", "nosuchdata"], 1, "nosuchdata"),
        (["simulate", "x", "--plot", "curves.jpg"], 1, "let its name end in .png, .svg, .pdf"),
        (
            ["simulate", "x", "--acquisition-functions", "best"],
            2,
            "'best' is not a valid AcquisitionFunction; there are",
        ),
        (["simulate", "fsdd", "--oracle", "never"], 1, "'never' is no oracle"),
        (["submit", "x", "lease"], 2, "LEASE=CLASS"),
        (["nonsense"], 2, "nonsense"),
        (["export", "nowhere", "--what", "head"], 1, "--output"),
    ],
)
def test_mistakes_get_one_line_and_no_trace(aloe: CommandLine, arguments, code, message):
    done = aloe.run(*arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_doctor_tells_what_is_there(aloe: CommandLine):
    findings = {each["name"]: each for each in aloe.json("doctor")}
    assert findings["Redis"]["ok"]
    assert findings["learner"]["ok"]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`aloe up`, with SIGINT ignored at its start, as shells do to background jobs."""
    process = subprocess.Popen(
        [
            *("sh", "-c", 'trap "" INT; exec "$0" "$@"', sys.executable, "-m", "aloe.cli", "up"),
            *("--json", "--data-dir", str(tmp_path), "--address", "127.0.0.1:0"),
            *("--embedding-address", "127.0.0.1:0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()


def pids_of(up: subprocess.Popen[str]) -> list[int]:
    """The processes that it started; waits until it is up."""
    assert up.stdout is not None
    pids = list(json.loads(up.stdout.readline())["pids"].values())
    assert all(_is_running(pid) for pid in pids)
    return pids


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_ends_everything_it_started(up: subprocess.Popen[str], number: signal.Signals):
    pids = pids_of(up)
    up.send_signal(number)
    assert up.wait(30) == 0
    assert not any(_is_running(pid) for pid in pids)


def test_what_up_started_dies_with_it_even_when_it_is_killed(up: subprocess.Popen[str]):
    pids = pids_of(up)
    up.kill()
    up.wait()
    deadline = time.monotonic() + 10
    while any(_is_running(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended but was not waited for, by an init that is slow to do so.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
