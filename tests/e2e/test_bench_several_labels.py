"""Experiments on several labels a clip: a miniature AudioSet, a manifest and embeddings."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from tests.e2e.conftest import CommandLine
from tests.e2e.experiments import Bench, fixed
from tests.unit.bench.datasets.miniatures import write_text

from aloe.bench.results import schema
from aloe.bench.spec import ExperimentError
from aloe.values.named_recipes import RECIPES

TONES_HZ = {"/m/low": 300, "/m/mid": 1_100, "/m/high": 3_500}
NAMES = {"/m/low": "Low, humming", "/m/mid": "Mid", "/m/high": "High"}
TRAIN_COUNT, TEST_COUNT, RATE_HZ = 36, 24, 16_000


@pytest.fixture(scope="module")
def audioset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Segments of a second in AudioSet's layout; each has some of three tones, or none at all."""
    root, generator = tmp_path_factory.mktemp("audioset"), np.random.default_rng(4)
    classes = [f'{place},{mid},"{NAMES[mid]}"' for place, mid in enumerate(NAMES)]
    write_text(root / "class_labels_indices.csv", "index,mid,display_name", *classes)
    (root / "audio").mkdir()
    seconds = np.arange(RATE_HZ) / RATE_HZ
    for file, count in (
        ("balanced_train_segments.csv", TRAIN_COUNT),
        ("eval_segments.csv", TEST_COUNT),
    ):
        rows = []
        for number in range(count):
            video_id = f"{file[0]}{number:010d}"
            mids = [mid for mid in TONES_HZ if generator.random() < 0.5] or ["/m/mid"]
            sound = sum(
                0.2 * np.sin(2 * np.pi * TONES_HZ[mid] * generator.uniform(0.9, 1.1) * seconds)
                for mid in mids
            ) + generator.normal(scale=0.1, size=RATE_HZ)
            soundfile.write(root / "audio" / f"{video_id}.wav", sound, RATE_HZ)
            rows.append(f'{video_id}, 0.000, 1.000, "{",".join(mids)}"')
        write_text(root / file, "# one", "# two", "# three", *rows)
    return root


@pytest.fixture
def several(bench: Bench, audioset: Path) -> Bench:
    table = {
        "datasets": [{"name": "audioset", "root": str(audioset)}],
        "acquisition_functions": ["smallest_margin", "random"],
        "selection_rules": ["class-agnostic"],
        "seeds": 2,
        "rounds": 4,
        "seed_labels": 1,
        "class_agnostic_batch": 4,
    }
    return replace(bench, table=table)


def test_audioset_is_labeled_by_two_strategies_and_its_report_has_the_mean_average_precision(
    several: Bench, aloe: CommandLine, tmp_path: Path
):
    output = tmp_path / "out"
    table = several.run(output)
    rows = table.to_pylist()
    assert {row["task"] for row in rows} == {"sound"}
    ceilings = [r for r in rows if r["acquisition_function"] == schema.ALL_LABELS]
    assert len(ceilings) == 2
    for row in rows:
        assert 0 <= row["test_mean_average_precision"] <= 1
        assert 0 <= row["test_mean_roc_auc"] <= 1
        assert len(row["test_class_average_precisions"]) == 3
    assert min(row["test_mean_average_precision"] for row in ceilings) > 0.8
    labels = {label for row in rows for label in row["pick_labels"] or ()}
    assert any(";" in label for label in labels)
    assert {name for label in labels for name in label.split(";")} == set(NAMES.values())
    again = several.run(tmp_path / "again")
    assert fixed(again).equals(fixed(table))
    aloe.output("bench", "report", output)
    page = (output / "report" / "index.html").read_text(encoding="utf-8")
    assert "mean average precision in place of accuracy" in page
    tables = [
        list(csv.reader(file.open(encoding="utf-8"))) for file in (output / "report").rglob("*.csv")
    ]
    last = {
        function: np.mean(
            [
                max(
                    (r for r in rows if (r["acquisition_function"], r["seed"]) == (function, seed)),
                    key=lambda r: r["round"],
                )["test_mean_average_precision"]
                for seed in range(2)
            ]
        )
        for function in ("smallest_margin", "random")
    }
    text = json.dumps(tables)
    for value in last.values():
        assert f"{value * 100:.1f}" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head_recipes": ["ridge"]}, "ridge heads are of one"),
        ({"selection_rules": ["badge"]}, "smallest_margin, badge does not go with"),
        ({"oracles": ["noise:0.1"]}, "noise:0.1 is of one label a clip"),
    ],
)
def test_what_goes_with_one_label_a_clip_is_refused_before_anything_is_embedded(
    several: Bench, tmp_path: Path, changes: dict[str, list[str]], message: str
):
    with pytest.raises(ExperimentError, match=message):
        several.run(tmp_path / "out", **changes)
    assert not several.started


def test_a_manifest_names_several_labels_as_an_import_does(
    bench: Bench, audioset: Path, tmp_path: Path
):
    rows = ["path,labels,answer,split"]
    for split, file in (("train", "balanced_train_segments"), ("test", "eval_segments")):
        for line in (audioset / f"{file}.csv").read_text().splitlines()[3:]:
            video_id, *_ = line.split(", ")
            mids = line.split('"')[1].split(",")
            names = ";".join(mid.rpartition("/")[2] for mid in mids if mid != "/m/mid")
            rows.append(f"audio/{video_id}.wav,{names},label,{split}")
    assert any(",,label" in row for row in rows)  # Some are of no class.
    assert any("low;high" in row or "high;low" in row for row in rows)
    write_text(audioset / "tones.csv", *rows)
    table = bench.run(
        tmp_path / "out",
        datasets=[{"name": str(audioset / "tones.csv")}],
        acquisition_functions=["smallest_margin"],
        selection_rules=["class-agnostic"],
        seeds=1,
        rounds=3,
        class_agnostic_batch=6,
    )
    found = table.to_pylist()
    assert {len(row["test_class_average_precisions"]) for row in found} == {2}
    (ceiling,) = [r for r in found if r["acquisition_function"] == schema.ALL_LABELS]
    assert ceiling["test_mean_average_precision"] > 0.8
    picked = {label for row in found for label in row["pick_labels"] or ()}
    assert picked <= {"", "low", "high", "low;high", "high;low"}


@pytest.mark.parametrize(("suffix", "recipe"), [(".npz", "linear"), (".parquet", "best")])
def test_embeddings_with_several_labels_go_from_the_file_to_the_mean_average_precision(
    bench: Bench, aloe: CommandLine, tmp_path: Path, suffix: str, recipe: str
):
    generator, classes = np.random.default_rng(6), ["crow", "owl", "wren"]
    truth = generator.random((120, 3)) < 0.4
    vectors = truth @ generator.normal(size=(3, 8)) + generator.normal(scale=0.2, size=(120, 8))
    file = tmp_path / f"birds-yamnet{suffix}"
    if suffix == ".npz":
        np.savez(file, X=vectors, y=truth, classes=np.array(classes))
    else:
        names = [[name for name, has in zip(classes, row, strict=True) if has] for row in truth]
        pq.write_table(pa.table({"X": vectors.tolist(), "y": names}), file)
    choices = {
        "datasets": [{"name": str(file)}],
        "recipes": [recipe],
        "strategies": ["own", "random"],
        "seeds": 1,
        "labels": 40,
        "batch_size": 10,
        "seed_labels": 0,
        "split_per_seed": True,
    }
    bench = replace(bench, table=choices)
    table = bench.run(tmp_path / "out")
    # The best one trains ridge heads, which are of one label a clip.
    used = RECIPES["kernel" if recipe == "best" else recipe]
    assert {row["representation"] for row in table.to_pylist()} == {used.representation.value}
    assert any("the recipe best is kernel" in note for note in bench.notes) == (recipe == "best")
    last = [row for row in table.to_pylist() if row["label_count"] >= 40]
    assert len(last) == 3
    assert min(row["test_mean_average_precision"] for row in last) > 0.9
    assert aloe.output("bench", "datasets", file).splitlines()[-1].split()[1] == "all"
    aloe.output("bench", "report", tmp_path / "out")
    page = (tmp_path / "out" / "report" / "index.html").read_text(encoding="utf-8")
    assert "mean average precision in place of accuracy" in page
