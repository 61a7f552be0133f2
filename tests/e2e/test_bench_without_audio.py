"""Experiments on embeddings without audio, from zero labels, with splits of each seed's own."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.e2e.conftest import CommandLine
from tests.e2e.experiments import Bench, fixed

from aloe.bench.datasets import load
from aloe.bench.report import write_report
from aloe.bench.results import schema
from aloe.bench.spec import ExperimentError
from aloe.client import Split

ALL = schema.ALL_LABELS
CLASS_COUNT, CLIP_COUNT, DIM = 3, 90, 8
GROUPS = np.array([f"speaker{n // 6}" for n in range(CLIP_COUNT)])


@pytest.fixture
def beasts(tmp_path: Path) -> Path:
    """Three classes that overlap a little, by fifteen speakers."""
    generator = np.random.default_rng(3)
    classes = np.arange(CLIP_COUNT) % CLASS_COUNT
    centers = generator.normal(size=(CLASS_COUNT, DIM))
    vectors = centers[classes] + generator.normal(scale=0.4, size=(CLIP_COUNT, DIM))
    file = tmp_path / "beasts-yamnet.npz"
    names = np.array(["cat", "dog", "owl"])[classes]
    np.savez(file, X=vectors.astype(np.float16), y=names, group=GROUPS)
    return file


@pytest.fixture
def from_zero(bench: Bench, beasts: Path) -> Bench:
    table = {
        "datasets": [{"name": str(beasts)}],
        "acquisition_functions": ["smallest_margin", "random"],
        "seeds": 2,
        "seed_labels": 0,
        "labels": 20,
        "batch_size": 6,
        "split_per_seed": True,
    }
    return replace(bench, table=table)


def test_labels_are_asked_from_zero_to_the_budget_without_an_encoder(
    from_zero: Bench, beasts: Path, tmp_path: Path
):
    table = from_zero.run(tmp_path / "out")
    assert [options.encoder for options in from_zero.started] == [None]
    rows = [row for row in table.to_pylist() if row["selection_rule"]]
    assert {(row["dataset"], row["encoder"]) for row in rows} == {("beasts-yamnet.npz", "yamnet")}
    for function in ("smallest_margin", "random"):
        run = [r for r in rows if r["acquisition_function"] == function and r["seed"] == 0]
        assert [row["round"] for row in run] == [0, 1, 2, 3, 4]
        assert [row["head_version"] for row in run] == [0, 1, 2, 3, 4]
        assert [row["label_count"] for row in run] == [0, 6, 12, 18, 20]
        assert [len(row["picks"]) for row in run] == [6, 6, 6, 2, 0]
        assert [row["test_accuracy"] is None for row in run] == [True] + [False] * 4
    assert set(from_zero.steps.values()) == {0}
    about = json.loads(table.schema.metadata[schema.METADATA_KEY])
    (part,) = about["parts"]
    brought = load(beasts).embeddings
    assert brought is not None
    assert part["encoder_fingerprint"] == brought.fingerprint
    assert part["split_per_seed"]
    assert from_zero.notes[0].endswith("no group in both train and test")


def test_runs_of_a_seed_share_its_split_and_no_group_is_on_both_sides(
    from_zero: Bench, beasts: Path, tmp_path: Path
):
    rows = from_zero.run(tmp_path / "out", labels=60).to_pylist()
    data = load(beasts)
    group_of = dict(zip((r.clip_id for r in data.recordings), GROUPS, strict=True))
    asked: dict[int, set[str]] = {0: set(), 1: set()}
    for row in rows:
        asked[row["seed"]].update(row["picks"] or [])
    for seed, picks in asked.items():
        splits = data.draw_splits(seed)
        tested = {group_of[clip_id] for clip_id, split in splits.items() if split is Split.TEST}
        assert tested
        assert not tested & {group_of[clip_id] for clip_id in picks}
    assert data.draw_splits(0) != data.draw_splits(1)
    ceilings = {r["seed"]: r["label_count"] for r in rows if not r["selection_rule"]}
    for seed, label_count in ceilings.items():
        assert label_count == sum(each is Split.TRAIN for each in data.draw_splits(seed).values())


def test_one_split_for_all_seeds_is_another_experiment(from_zero: Bench, tmp_path: Path):
    few = {"acquisition_functions": ["random"], "seeds": 1, "labels": 6}
    first = from_zero.run(tmp_path / "out", **few)
    again = from_zero.run(tmp_path / "again", **few)
    assert fixed(first).equals(fixed(again))
    with pytest.raises(ExperimentError, match="split_per_seed is False, but True in"):
        from_zero.run(tmp_path / "out", **few, split_per_seed=False)


def test_seed_labels_must_leave_something_of_the_budget(from_zero: Bench, tmp_path: Path):
    with pytest.raises(ExperimentError) as caught:
        from_zero.run(tmp_path / "out", seed_labels=7)
    assert str(caught.value) == (
        "labels is 20, but beasts-yamnet.npz, task label, takes 21 seed labels; give more labels,"
        " or fewer seed_labels"
    )


def test_the_command_lists_and_labels_embeddings(aloe: CommandLine, beasts: Path, tmp_path: Path):
    told = aloe.json("bench", "datasets", beasts)
    assert told["embeddings"]["encoder"] == "yamnet"
    assert (told["has_own_splits"], told["groups"]) == (False, 15)
    assert told["embeddings"]["embedding_dim"] == DIM
    shown = aloe.run("bench", "datasets", beasts)
    assert f"90 embeddings of {DIM} numbers by yamnet" in shown.stdout + shown.stderr
    assert "owl" in shown.stdout
    again = beasts.rename(beasts.with_name("owls-yamnet.npz"))
    shutil.copy(again, beasts)
    found = aloe.json(
        "bench", "run", "--dataset", beasts, "--dataset", again, "--server", aloe.server,
        "--acquisition-functions", "random", "--selection-rules", "class-agnostic",
        "--seeds", 1, "--seed-labels", 0, "--labels", 8, "--batch-size", 4, "--split-per-seed",
        "--output", tmp_path / "out",
    )  # fmt: skip
    assert (found["runs"], found["heads"]) == (2 * 2, 2 * (1 + 3))
    assert not (tmp_path / "out" / "embeddings").exists()


def test_recipes_are_followed_with_their_own_seed_labels_and_strategies(
    from_zero: Bench, beasts: Path, tmp_path: Path
):
    dataset = {"datasets": [{"name": str(beasts)}]}
    table = dataset | {"recipes": ["paper", "linear", "best"], "labels": 21, "seeds": 1}
    rows = replace(from_zero, table=table).run(tmp_path / "out").to_pylist()
    runs: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        head, _, _ = row["head_recipe"].partition(":")
        way = row["acquisition_function"], row["selection_rule"]
        runs.setdefault((row["representation"], head, *way), []).append(row["label_count"])
    from_none, from_five = [0, 3, 6, 9, 12, 15, 18, 21], [15, 18, 21]
    margin = "smallest_margin"
    learned = {
        ("none", "adam", margin, "class-aware"): from_five,
        ("none", "adam", "random", "class-agnostic"): from_five,
        ("linear", "logistic", margin, "herding"): from_none,
        ("linear", "logistic", "random", "class-agnostic"): from_none,
        ("kernel", "ridge", margin, "herding"): from_none,
        ("kernel", "ridge", "random", "class-agnostic"): from_none,
    }
    ceilings = [key for key in runs if key[2] == "all_labels"]
    assert [key[:2] for key in ceilings] == [key[:2] for key in list(learned)[::2]]
    for key, counts in learned.items():
        # Random picks may be of one class at first, of which no head is trained.
        assert runs[key] == counts or (key[2] == "random" and set(runs[key]) < set(counts))


def test_what_heads_would_accept_is_held_against_the_truth(
    from_zero: Bench, beasts: Path, tmp_path: Path
):
    table = {
        "datasets": [{"name": str(beasts)}],
        "recipes": ["paper", "best"],
        "strategies": ["random", "herding"],
        "audit_shares": [0, 0.5],
        "max_expected_error": 0.1,
        "seeds": 1,
        "labels": 60,
        "batch_size": 5,
    }
    rows = replace(from_zero, table=table).run(tmp_path / "out").to_pylist()
    runs: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        if row["selection_rule"]:
            key = row["representation"], row["selection_rule"], row["audit_share"]
            runs.setdefault(key, []).append(row)
    # Audits help neither random picks nor heads that get no estimate.
    assert list(runs) == [
        ("none", "class-agnostic", 0.0),
        ("none", "herding", 0.0),
        ("kernel", "class-agnostic", 0.0),
        ("kernel", "herding", 0.0),
        ("kernel", "herding", 0.5),
    ]
    train_count = sum(row["label_count"] for row in rows if row["acquisition_function"] == ALL) / 2
    for (representation, _, share), run in runs.items():
        checked = [row for row in run if row["test_clip_count"] is not None]
        counts = [50, 60] if representation == "kernel" else []
        assert [row["label_count"] for row in checked] == counts
        for row in checked:
            assert row["rest_clip_count"] == train_count - row["label_count"]
            right = row["test_right_count"] / row["test_clip_count"]
            assert right == pytest.approx(row["test_accuracy"])
            for part in ("rest", "test"):
                assert row[f"{part}_wrong_count"] <= row[f"{part}_accepted_count"]
                assert (row[f"{part}_expected_error"] is None) == (
                    not row[f"{part}_accepted_count"]
                )
                assert (row[f"{part}_expected_error"] or 0) <= 0.1
        audits = [row["audit_label_count"] for row in checked]
        assert audits == ([] if not counts else [0, 0] if not share else [0, 5])


def test_functions_on_the_graph_of_neighbors_are_asked_from_zero_and_the_same_again(
    from_zero: Bench, tmp_path: Path
):
    names = ["mcv-opt", "v-opt", "sigma-opt-class-aware", "model-change"]
    few = {"strategies": names, "recipes": ["kernel"], "seeds": 1, "labels": 18}
    table = {"datasets": from_zero.table["datasets"]} | few
    bench = replace(from_zero, table=table)
    first, again = bench.run(tmp_path / "out"), bench.run(tmp_path / "again")
    assert fixed(first).equals(fixed(again))
    rows = [row for row in first.to_pylist() if row["selection_rule"]]
    for function in ("mcv_opt", "v_opt", "sigma_opt", "model_change"):
        run = [row for row in rows if row["acquisition_function"] == function]
        assert [row["label_count"] for row in run] == [0, 3, 6, 9, 12, 15, 18]


def test_runs_that_never_get_a_head_are_kept_and_reported(from_zero: Bench, tmp_path: Path):
    table = from_zero.run(tmp_path / "out", oracles=["abstain:1"], seeds=1)
    rows = [row for row in table.to_pylist() if row["selection_rule"]]
    for row in rows:
        assert (row["round"], row["label_count"], row["test_accuracy"]) == (0, 0, None)
        assert row["picks"]
        assert set(row["pick_labels"]) == {None}
    assert len(rows) == 2
    # They are not done again.
    assert from_zero.run(tmp_path / "out", oracles=["abstain:1"], seeds=1).equals(table)
    write_report(tmp_path / "out", tmp_path / "report")
    assert (tmp_path / "report" / "index.html").is_file()


@pytest.mark.parametrize("flag", ["--strategies", "--recipes", "--tasks"])
def test_a_list_of_nothing_is_no_choice(aloe: CommandLine, beasts: Path, tmp_path: Path, flag: str):
    done = aloe.run("bench", "run", "--dataset", beasts, flag, ",", "-o", tmp_path / "out")
    assert done.returncode == 1
    key = flag.removeprefix("--")
    assert done.stderr.strip() == f"aloe: {key} is empty; give at least one, or leave it out"
    assert not (tmp_path / "out").exists()
