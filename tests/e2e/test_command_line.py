"""The commands one after the other, as the README has them, against real services."""

import csv
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import platformdirs
import pyarrow.parquet
import pytest

from .conftest import CommandLine


@pytest.fixture(scope="module")
def vowels(aloe: CommandLine, recordings: Path) -> str:
    """A pool with the recordings."""
    aloe.output("import", "vowels", recordings)
    return "vowels"


def test_importing_again_skips_what_is_there(aloe: CommandLine, vowels: str, recordings: Path):
    summary = aloe.json("import", vowels, recordings)
    counts = {name: summary[name] for name in ("imported_count", "existing_count", "failures")}
    assert counts == {"imported_count": 0, "existing_count": 30, "failures": []}
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


def test_a_clip_of_another_file_is_not_replaced(
    aloe: CommandLine, recordings: Path, tmp_path: Path
):
    first, second = sorted(recordings.rglob("*.wav"))[:2]
    (tmp_path / "inner").mkdir()
    (tmp_path / "same.wav").write_bytes(first.read_bytes())
    (tmp_path / "inner" / "same.wav").write_bytes(second.read_bytes())
    assert aloe.run("import", "origins", tmp_path).returncode == 0
    done = aloe.run("import", "origins", tmp_path / "inner" / "same.wav", "--replace")
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert (
        f"inner/same.wav may replace the clip same.wav, which came from file://{tmp_path}" in told
    )
    (tmp_path / "same.wav").write_bytes(second.read_bytes()[:-2])
    done = aloe.run("import", "origins", tmp_path, "--replace", "--accept-damaged")
    assert "1 replaced, without their labels" in done.stderr


def test_keys_label_skip_and_take_back(aloe: CommandLine, vowels: str):
    task = aloe.new_task(vowels, "keys")
    done = aloe.run("label", task, "--no-play", "--json", stdin="a\ne\n-\n<\ni\n.\n")
    assert done.returncode == 0, done.stderr
    assert '"label_count": 3, "abstention_count": 0' in done.stdout
    counts = aloe.json("task", "show", task)["task"]["clip_counts"]
    assert (counts["labeled"], counts["abstained"], counts["leased"]) == (3, 0, 0)
    rows = list(csv.DictReader(io.StringIO(aloe.output("export", task))))
    assert sorted(row["label"] for row in rows) == ["a", "e", "i"]
    assert {row["oracle_id"] for row in rows} == {"ann"}


def test_query_and_submit_label_from_a_script(aloe: CommandLine, vowels: str):
    task = aloe.new_task(vowels, "scripted", "--budget", 3)
    leases = aloe.json("query", task, "--count", 2)["leases"]
    answers = [f"{leases[0]['lease_id']}=a", f"{leases[1]['lease_id']}=o"]
    result = aloe.json("submit", task, *answers)
    assert result == {"head_version": 1, "label_count": 2}
    again = aloe.json("query", task, "--count", 5, "--min-head", 1)
    assert (again["head_version"], len(again["leases"])) == (1, 1)
    assert again["leases"][0]["predicted_class"] in "aeiou"
    assert aloe.json("query", task)["pool_state"] == "budget_spent"


def test_clips_that_a_query_leased_are_given_back(aloe: CommandLine, vowels: str):
    task = aloe.new_task(vowels, "given-back")
    said = aloe.run("query", task, "--count", 3).stderr
    assert f"give back by aloe release {task}" in said
    clips = aloe.json("task", "show", task)["task"]["clip_counts"]
    assert clips["leased"] == 3
    (lease,) = aloe.json("query", task, "--oracle", "ben")["leases"]
    refused = aloe.run("release", task, lease["lease_id"])
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    assert f"lease {lease['lease_id']}: this lease is another oracle's" in refused.stderr
    refused = aloe.run("submit", task, f"{lease['lease_id']}=a")
    assert f"lease {lease['lease_id']}: this lease is another oracle's" in refused.stderr
    assert "3 clips given back by ann" in aloe.run("release", task).stderr
    given = aloe.json("release", task, lease["lease_id"], "--oracle", "ben")
    assert given == {"oracle_id": "ben", "released_count": 1}
    assert "0 clips given back" in aloe.run("release", task).stderr
    assert aloe.json("task", "show", task)["task"]["clip_counts"]["leased"] == 0


def check_labels_by_ending(aloe: CommandLine, task: str, folder: Path) -> None:
    for name in ("again.json", "labels.jsonl", "labels.csv", "labels.parquet"):
        aloe.output("export", task, "-o", folder / name)
    assert json.loads((folder / "again.json").read_text()) == aloe.json("export", task)
    lines = (folder / "labels.jsonl").read_text().splitlines()
    assert list(map(json.loads, lines)) == aloe.json("export", task)
    rows = list(csv.DictReader((folder / "labels.csv").open()))
    assert csv.DictReader(io.StringIO(aloe.output("export", task))).fieldnames == list(rows[0])
    table = pyarrow.parquet.read_table(folder / "labels.parquet").to_pylist()
    for row, cells in zip(rows, table, strict=True):
        assert list(row) == list(cells)
        assert (row["clip_id"], row["label"]) == (cells["clip_id"], cells["label"])
        assert datetime.fromisoformat(row["label_time"]) == cells["label_time"]
        assert (row["is_audit"] == "yes") is cells["is_audit"]
    assert "writes no .csv" in aloe.run("export", task, "-o", "x.csv", "--json").stderr


def test_known_labels_train_a_head_that_predicts_and_is_exported(
    aloe: CommandLine, vowels: str, recordings: Path, tmp_path: Path
):
    rules = ["--stop", "label_count:12", "--stop", "uncertainty:0.0", "--stop-when", "all"]
    task = aloe.new_task(vowels, "known", *rules)
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
    table = " ".join(aloe.output("task", "show", task, "--all").split())
    assert "advice go on" in table
    assert "stop: 20 labels; 12 are enough" in table
    assert "last training" in table
    changed = aloe.json("task", "update", task, "--stop", "label_count:12")["task"]
    assert changed["stop_advice"]["verdict"] == "stop"
    assert aloe.json("task", "update", task, "--no-stop")["task"]["stopping_rule"] is None
    aloe.output("export", task, "-o", tmp_path / "labels.json", "--json")
    assert json.loads((tmp_path / "labels.json").read_text()) == aloe.json("export", task)
    check_labels_by_ending(aloe, task, tmp_path)
    aloe.output("export", task, "--what", "head", "-o", tmp_path / "head.npz")
    table = aloe.output("export", task)
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as reader:
        piped = reader.submit((tmp_path / "pipe").read_text)
        aloe.output("export", task, "-o", tmp_path / "pipe")
        assert piped.result().splitlines() == table.splitlines()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    aloe.output("export", task, "-o", tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().splitlines() == table.splitlines()
    head = np.load(tmp_path / "head.npz")
    assert head["weights"].shape == (256, 5)
    assert head["representation"] == "kernel"
    dim = aloe.json("pool", "show", vowels)["embedding_dim"]
    assert head["map_mean"].shape == (dim,)
    assert head["map_landmarks"].shape[1] == 2 * dim
    assert head["classes"].tolist() == ["a", "e", "i", "o", "u"]


def test_the_event_log_replays_to_what_is_stored(aloe: CommandLine, vowels: str):
    task = aloe.new_task(vowels, "replayed")
    leases = aloe.json("query", task, "--count", 3)["leases"]
    aloe.json("submit", task, f"{leases[0]['lease_id']}=a", f"{leases[1]['lease_id']}=-")
    aloe.json("submit", task, f"{leases[0]['lease_id']}=e")
    replay = aloe.json("task", "replay", task)
    assert replay["differences"] == []
    assert replay["label_count"] == 2


def test_an_update_changes_what_is_named_and_leaves_the_rest(aloe: CommandLine, vowels: str):
    task = aloe.new_task(vowels, "updated", "--acquisition-function", "entropy", "--budget", 5)
    changed = aloe.json("task", "update", task, "--selection-rule", "class-agnostic", "--lease", 60)
    assert changed["task"]["query_strategy"] == {
        "acquisition_function": "entropy",
        "selection_rule": "class-agnostic",
    }
    assert (changed["task"]["lease_duration"], changed["task"]["label_budget"]) == (60.0, 5)
    assert aloe.json("task", "update", task, "--no-budget")["task"]["label_budget"] is None


def test_a_function_on_the_graph_says_what_a_label_tells(aloe: CommandLine, vowels: str):
    task = aloe.new_task(vowels, "graph", "--acquisition-function", "mcv_opt")
    asked = aloe.json("task", "show", task)["task"]["query_strategy"]
    assert asked == {"acquisition_function": "mcv_opt", "selection_rule": "class-agnostic"}
    assert "off what is unknown over the pool's graph" in " ".join(
        aloe.run("query", task).stderr.split()
    )
    done = aloe.run("task", "update", task, "--selection-rule", "herding")
    assert done.returncode == 1
    assert "HERDING picks by how clips lie to each other" in " ".join(done.stderr.split())


def test_nothing_is_accepted_by_a_head_without_an_estimate(
    aloe: CommandLine, vowels: str, recordings: Path
):
    task = aloe.new_task(vowels, "estimated", "--recipe", "paper", "--audits", "0.25")
    settings = aloe.json("task", "show", task)["task"]
    assert (settings["estimate_accuracy"], settings["audit_share"]) == (False, 0.25)
    leases = aloe.json("query", task, "--count", 2)["leases"]
    aloe.json("submit", task, f"{leases[0]['lease_id']}=a", f"{leases[1]['lease_id']}=e")
    aloe.json("query", task, "--min-head", 1)
    assert "estimated accuracy" not in aloe.output("task", "show", task)
    assert "head 1 on 6 files" in aloe.run("predict", task, recordings / "a").stderr
    done = aloe.run("predict", task, recordings / "a", "--max-error", "0.02")
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert (
        "has no estimate of its accuracy; it takes estimate_accuracy, 30 labels and clips" in told
    )
    changed = aloe.json("task", "update", task, "--estimates", "--audits", "0.5")["task"]
    assert (changed["estimate_accuracy"], changed["audit_share"]) == (True, 0.5)


def test_a_task_tells_how_its_heads_are_trained(aloe: CommandLine, vowels: str):
    task = aloe.new_task(vowels, "trained", "--head-recipe", "logistic:class_balance=0.5")
    assert aloe.json("task", "show", task)["task"]["head_recipe"] == {
        "optimiser": "logistic",
        "l2_penalty": 0.0005,
        "iteration_count": 40,
        "class_balance": 0.5,
    }
    table = " ".join(aloe.output("task", "show", task, "--all").split())
    assert "trains logistic:class_balance=0.5" in table
    changed = aloe.json("task", "update", task, "--head-recipe", "adam")["task"]
    assert changed["head_recipe"]["optimiser"] == "adam"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["task", "show", "nowhere"], 1, "there is no task nowhere"),
        (
            ["task", "create", "x", "--pool", "nowhere", "--classes", "a,b"],
            1,
            "there is no pool nowhere",
        ),
        (["task", "create", "x", "--pool", "vowels", "--classes", "a"], 1, "--classes: 1 given"),
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
        (["task", "update", "x", "--head-recipe", "newton"], 2, "'newton' is no head recipe"),
        (["simulate", "x", "--head-recipe", "lbfgs:-1"], 2, "it must be 0 to 1,000,000"),
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
        (["export", "nowhere", "-o", "nodir/labels.csv"], 1, "nodir is no folder: make it"),
        (["task", "delete", "nowhere"], 1, "task nowhere"),
        (["pool", "delete", "nowhere"], 1, "pool nowhere"),
    ],
)
def test_mistakes_get_one_line_and_no_trace(aloe: CommandLine, arguments, code, message):
    done = aloe.run(*arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_budget_and_what_is_spent_of_it_are_told(aloe: CommandLine, vowels: str):
    task = aloe.new_task(vowels, "spending", "--budget", 9)
    assert "9, 0 spent" in aloe.output("task", "show", task)
    assert "none, 0 spent" in aloe.output("task", "update", task, "--no-budget")


def test_help_says_where_data_lies_by_default(aloe: CommandLine):
    told = "".join(aloe.output("up", "--help").split())  # Lines are broken where they are full.
    assert f"bydefault{platformdirs.user_data_dir('aloe')}" in told


def test_doctor_tells_what_is_there(aloe: CommandLine):
    # Whether it ends well depends on who else has the ports that `aloe up` would take.
    told = json.loads(aloe.run("doctor", "--json").stdout)
    findings = {each["name"]: each for each in told}
    assert findings["Redis"]["ok"]
    assert findings["learner"]["ok"]
