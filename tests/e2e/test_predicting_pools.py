"""`aloe predict TASK --pool`: tables of all clips, by the ending of the file."""

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet
import pytest
from numpy.testing import assert_allclose
from tests.e2e.conftest import CommandLine
from tests.rpc.learner.scenes import CLASSES, Scene, make_scene

from aloe.client import LearnerClient, PoolPredictions


@pytest.fixture(scope="module")
def scene(learner: LearnerClient) -> Scene:
    made = make_scene(learner)
    version = made.seed_labels()
    learner.predict(made.task_id, embeddings=made.embeddings[:1], min_head_version=version)
    return made


@pytest.fixture(scope="module")
def block(learner: LearnerClient, scene: Scene) -> PoolPredictions:
    (found,) = learner.predict_pool(scene.task_id)
    return found


def test_csv_has_a_row_of_each_clip(aloe: CommandLine, scene: Scene, block: PoolPredictions):
    rows = list(csv.DictReader(io.StringIO(aloe.output("predict", scene.task_id, "--pool"))))
    assert [each["clip_id"] for each in rows] == list(block.clip_ids)
    assert [each["predicted"] for each in rows] == list(block.labels)
    found = [[float(each[f"p:{name}"]) for name in CLASSES] for each in rows]
    assert_allclose(found, block.probabilities, rtol=1e-6)
    assert {(each["state"], each["label"] != "") for each in rows} == {
        ("labeled", True),
        ("unlabeled", False),
    }
    assert "accepted" not in rows[0]


def test_json_lines_and_parquet_say_the_same(
    aloe: CommandLine, scene: Scene, block: PoolPredictions, tmp_path: Path
):
    lines, table = tmp_path / "p.jsonl", tmp_path / "p.parquet"
    for file in (lines, table):
        said = aloe.run("predict", scene.task_id, "--pool", "--to", file)
        assert said.returncode == 0, said.stderr
        assert f"head {block.head_version} on {len(block.clip_ids)} clips in" in said.stderr
    objects = [json.loads(line) for line in lines.read_text().splitlines()]
    rows = pyarrow.parquet.read_table(table).to_pylist()
    for one, other in zip(objects, rows, strict=True):
        for name in ("clip_id", "clip_number", "predicted", "state", "label"):
            assert one[name] == other[name]
        assert_allclose(
            [one["probabilities"][name] for name in CLASSES],
            [other[f"p:{name}"] for name in CLASSES],
            rtol=1e-6,
        )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["p.jsonl", "p.parquet"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, in which commands run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pool", "a.wav"], "not both"),
        ([], "give audio files"),
        (["a.wav", "--to", "x.csv"], "goes with --pool or --window"),
        (["--pool", "--to", "x.xlsx"], "there are .csv, .jsonl, .parquet"),
        (["--pool", "--to", "nowhere/x.csv"], "is no folder"),
        (["--pool", "--max-error", "0.02"], "no estimate"),
        (["--pool", "--head", "99"], "keeps no head 99"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_and_leaves_no_file(
    aloe: CommandLine,
    scene: Scene,
    arguments: list[str],
    said: str,
    folder: Path,
):
    done = aloe.run("predict", scene.task_id, *arguments)
    assert done.returncode != 0
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert list(folder.iterdir()) == []
