"""`aloe task import-labels` and `aloe export`, one after the other."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aloe.client import NewClip, connect
from aloe.local import LocalStack

from .conftest import CommandLine

CLIP_COUNT = 120_000


@pytest.fixture(scope="module")
def pool(stack: LocalStack) -> str:
    """A pool of very many clips."""
    with connect(stack.learner_address) as learner:
        learner.create_pool("tables", encoder_fingerprint="none", embedding_dim=1)
        values = np.arange(CLIP_COUNT, dtype=np.float32)[:, None]
        clips = (NewClip(f"c{number}", embedding=value) for number, value in enumerate(values))
        learner.import_clips("tables", clips)
    return "tables"


def write(file: Path, *rows: str) -> Path:
    file.write_text("\n".join(("clip_id,label,split", *rows)) + "\n", encoding="utf-8")
    return file


def labels_of(aloe: CommandLine, task: str) -> dict[str, tuple[str, str, str]]:
    return {
        each["clip_id"]: (each["label"], each["split"], each["oracle_id"])
        for each in aloe.json("export", task)
    }


def test_clips_and_classes_that_are_unknown_are_told_with_their_lines(
    aloe: CommandLine, pool: str, tmp_path: Path
):
    task = aloe.new_task(pool, "tables-unknown")
    wrong = [f"nowhere-{number},a,train" for number in range(30)]
    file = write(tmp_path / "known.csv", "c0,a,train", *wrong, "no id,a,test", "c1,y,train")
    done = aloe.run("task", "import-labels", task, file)
    told = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert f"{file}, line 3: pool tables holds no clip 'nowhere-0'" in told
    assert told.count(f"aloe: {file}, line ") == 20
    assert "32 of 33 labels are refused, 12 of them not shown; nothing was stored" in told
    assert labels_of(aloe, task) == {}
    write(file, "nowhere,a,train")
    told = " ".join(aloe.run("task", "import-labels", task, file).stderr.split())
    assert "1 of 1 label is refused; nothing was stored" in told
    # Beside one that is malformed, all are checked before any is stored.
    write(file, "c0,a,train", "c1,y,train", "c2,a,valid")
    done = aloe.run("task", "import-labels", task, file)
    assert "line 3: 'y' is no class of task tables-unknown" in " ".join(done.stderr.split())
    assert labels_of(aloe, task) == {}


def test_labels_over_a_persons_are_refused_with_both_unless_they_are_to_replace(
    aloe: CommandLine, pool: str, tmp_path: Path
):
    task = aloe.new_task(pool, "tables-replaced")
    (lease,) = aloe.json("query", task)["leases"]
    aloe.json("submit", task, f"{lease['lease_id']}=a")
    clip = lease["clip_id"]
    other = "c1" if clip != "c1" else "c2"
    file = write(tmp_path / "known.csv", f"{other},e,test", f"{clip},i,train")
    done = aloe.run("task", "import-labels", task, file)
    told = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert f"line 3: '{clip}' is 'a' (train) by ann already, not 'i' (train)" in told
    assert "nothing was stored; --replace stores them anyway" in told
    assert labels_of(aloe, task) == {clip: ("a", "train", "ann")}
    done = aloe.run("task", "import-labels", task, file, "--replace")
    assert "2 of 2 labels were new or changed, 1 of them over another answer" in " ".join(
        done.stderr.split()
    )
    assert labels_of(aloe, task) == {other: ("e", "test", ""), clip: ("i", "train", "")}
    assert aloe.json("task", "replay", task)["differences"] == []


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_is_imported_as_it_was(aloe: CommandLine, pool: str, tmp_path: Path, form: str):
    task, copy = aloe.new_task(pool, f"tables-{form}"), aloe.new_task(pool, f"tables-{form}-copy")
    leases = aloe.json("query", task, "--count", 3)["leases"]
    answers = [f"{lease['lease_id']}={answer}" for lease, answer in zip(leases, "ae-", strict=True)]
    aloe.json("submit", task, *answers)
    flags = ["--json"] if form == "json" else []
    exports = [tmp_path / f"{number}.{form}" for number in range(3)]
    aloe.output("export", task, "-o", exports[0], *flags)
    for target in (copy, task):
        aloe.output("task", "import-labels", target, exports[0])
    aloe.output("export", copy, "-o", exports[1], *flags)
    aloe.output("export", task, "-o", exports[2], *flags)
    assert exports[0].read_bytes() == exports[1].read_bytes() == exports[2].read_bytes()
    assert aloe.output("export", task, *flags) == exports[0].read_bytes().decode()
    counts = aloe.json("task", "show", copy)["task"]["clip_counts"]
    assert (counts["labeled"], counts["abstained"], counts["budget_spent"]) == (2, 1, 2)


@pytest.mark.slow
def test_an_import_that_is_interrupted_says_how_far_it_is_and_goes_on_again(
    aloe: CommandLine, pool: str, tmp_path: Path
):
    task = aloe.new_task(pool, "tables-interrupted")
    file = write(
        tmp_path / "known.csv",
        *(f"c{number},{'ae'[number % 2]},test" for number in range(CLIP_COUNT)),
    )
    command = [sys.executable, "-m", "aloe.cli", "task", "import-labels", task, str(file)]
    running = subprocess.Popen(
        command, env=os.environ | {"ALOE_SERVER": aloe.server}, stderr=subprocess.PIPE, text=True
    )
    while not (stored := aloe.json("task", "show", task)["task"]["clip_counts"]["test"]):
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert 0 < stored < CLIP_COUNT
    assert f"of {CLIP_COUNT:,} labels are stored, or some thousand more; run it again" in told
    assert "Traceback" not in told
    again = aloe.json("task", "import-labels", task, file)
    assert 0 < again["changed_count"] < CLIP_COUNT
    shown = aloe.json("task", "show", task)["task"]["clip_counts"]
    assert shown["test"] == CLIP_COUNT


def test_a_file_without_labels_is_no_success(aloe: CommandLine, pool: str, tmp_path: Path):
    task = aloe.new_task(pool, "tables-none")
    for text in ("clip_id,label\n", json.dumps([])):
        file = tmp_path / "none"
        file.write_text(text)
        done = aloe.run("task", "import-labels", task, file)
        assert (done.returncode, "holds no labels" in " ".join(done.stderr.split())) == (1, True)
