"""Experiments through real services: what is kept of them, and the command."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.e2e.conftest import CommandLine
from tests.e2e.experiments import Bench, fixed

from aloe.bench.results import schema
from aloe.bench.spec import ExperimentError
from aloe.bench.spec.toml import make_spec
from aloe.local import LocalStack


def test_every_head_of_every_run_is_a_row(bench: Bench, tmp_path: Path):
    table = bench.run(tmp_path)
    assert table.schema.equals(schema.SCHEMA)
    rows = table.to_pylist()
    heads = Counter(
        (row["acquisition_function"], row["selection_rule"], row["seed"]) for row in rows
    )
    assert heads == {("all_labels", "", seed): 1 for seed in (0, 1)} | {
        (function, rule, seed): 4
        for function in ("smallest_margin", "random")
        for rule in ("class-aware", "class-agnostic")
        for seed in (0, 1)
    }
    for row in rows:
        labels = {"class-aware": 5 + 5 * row["round"], "class-agnostic": 5 + row["round"]}
        assert row["label_count"] == labels.get(row["selection_rule"], 20)
        assert 0 <= row["test_accuracy"] <= 1
        assert 0 <= row["test_calibration_error"] <= 1
        assert row["training_s"] > 0
        # What the stopping rules look at; a ceiling has none, and a first head none before it.
        assert (row["stop"] is None) == (not row["selection_rule"])
        has_more = bool(row["selection_rule"]) and row["label_count"] < 20
        assert (row["mean_uncertainty"] is not None) == has_more
        assert (row["prediction_agreement"] is not None) == (has_more and row["round"] > 0)
    assert set(bench.steps.values()) == {0}


def test_picks_are_what_the_next_head_learned_and_starts_are_shared(bench: Bench, tmp_path: Path):
    rows = [
        row for row in bench.run(tmp_path).to_pylist() if row["selection_rule"] == "class-aware"
    ]
    for row in rows:
        # A clip's name begins with its class.
        assert [pick.partition("~")[0] for pick in row["picks"]] == row["pick_labels"]
        assert len(row["picks"]) == (5 if row["round"] < 3 else 0)
    scores = [
        row["pick_scores"] for row in rows if row["acquisition_function"] == "smallest_margin"
    ]
    assert all(-1 <= score <= 0 for each in scores for score in each)
    firsts = [row for row in rows if row["round"] == 0]
    for seed in (0, 1):
        assert len({row["training_loss"] for row in firsts if row["seed"] == seed}) == 1
    assert firsts[0]["training_loss"] != firsts[1]["training_loss"]


def test_metadata_say_how_to_do_it_again(bench: Bench, stack: LocalStack, tmp_path: Path):
    table = bench.run(tmp_path, acquisition_functions=["smallest_margin"], seeds=1)
    about = json.loads(table.schema.metadata[schema.METADATA_KEY])
    assert about["spec"]["acquisition_functions"] == ["smallest_margin"]
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
    alone = {"acquisition_functions": ["smallest_margin"], "seeds": 1, "rounds": 1}
    skipping = replace(bench, skip_bad=True)
    table = skipping.run(tmp_path / "out", datasets=[{"name": str(copy / "clips.csv")}], **alone)
    about = json.loads(table.schema.metadata[schema.METADATA_KEY])
    assert len(about["parts"][0]["failures"]) == 1
    assert about["spec"]["datasets"][0]["name"] == "clips.csv"
    assert str(tmp_path) not in json.dumps(about)
    assert str(tmp_path) in (tmp_path / "out" / "experiment.toml").read_text()


def test_a_clip_that_is_no_audio_is_named(bench: Bench, recordings: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(recordings, copy)
    (copy / "a" / "broken.wav").write_bytes(b"no audio")
    (copy / "a" / "empty.wav").write_bytes(b"")
    refused = r"2 of 32 clips of copy cannot be embedded: .*--skip-bad"
    with pytest.raises(ExperimentError, match=refused):
        bench.run(tmp_path / "out", datasets=[{"name": str(copy)}])
    named = [note for note in bench.notes if note.startswith(("a~broken.wav: ", "a~empty.wav: "))]
    assert len(named) == 2
    few = {"acquisition_functions": ["random"], "seeds": 1, "rounds": 1}
    skipping = replace(bench, skip_bad=True)
    table = skipping.run(tmp_path / "out-2", datasets=[{"name": str(copy)}], **few)
    left_out = "2 of 32 clips of copy cannot be embedded and are left out: "
    assert any(note.startswith(left_out) for note in bench.notes)
    about = json.loads(table.schema.metadata[schema.METADATA_KEY])
    assert set(about["parts"][0]["failures"]) == {"a~broken.wav", "a~empty.wav"}


def test_the_command_runs_an_experiment_from_a_file(
    bench: Bench, aloe: CommandLine, recordings: Path, tmp_path: Path
):
    bench.run(tmp_path / "library", acquisition_functions=["smallest_margin"], seeds=1)
    file = tmp_path / "spec.toml"
    file.write_text(
        'acquisition_functions = ["random"]\nseed_labels = 1\nrounds = 2\n'
        f'[[datasets]]\nname = "{recordings}"'
    )
    found = aloe.json(
        "bench", "run", file, "--server", aloe.server, "--embeddings", bench.embeddings,
        "--seeds", 2, "--acquisition-functions", "smallest_margin,entropy",
        "--head-recipe", "adam", "--head-recipe", "logistic:iteration_count=9",
        "--output", tmp_path / "out",
    )  # fmt: skip
    assert found == {
        "results": str(tmp_path / "out" / "results.parquet"),
        "runs": 2 * (2 + 2 * 2),
        "heads": 2 * (2 + 2 * 2 * 3),
    }
    rows = pq.read_table(found["results"]).to_pylist()
    first = {row["head_recipe"]: row["training_loss"] for row in rows if not row["round"]}
    adam, logistic = first
    assert logistic == "logistic:l2_penalty=0.0005,iteration_count=9,class_balance=0.0"
    assert first[adam] > first[logistic]
    assert not [each for each in aloe.json("task", "list") if each["task_id"].startswith("bench-")]
    assert not [each for each in aloe.json("pool", "list") if each["pool_id"].startswith("bench-")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no data set: give --dataset"),
        (["--root", "."], "root given for 0 data sets; name one by --dataset"),
        (["--dataset", "fsdd"], "give the root it lies in"),
        (["--dataset", "fsdd", "--root", ".", "--rounds", "0"], "rounds is 0; give at least 1"),
        (
            ["--dataset", "fsdd", "--root", ".", "--acquisition-functions", "best"],
            "acquisition_functions has 'best'",
        ),
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
