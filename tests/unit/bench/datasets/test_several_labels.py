"""Several labels a clip in data sets of one's own: manifests, and embeddings without audio."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aloe.bench.datasets import Dataset, load
from aloe.client.types import LabelSet, Split

Put = Callable[..., Path]
Complaint = Callable[[Path], str]

NAMES = ("a.wav", "b.wav", "c.wav", "d.wav")
SETS = [("rain", "wind"), ("wind",), (), ("rain",)]
CSV = """path,labels,answer,split
a.wav,wind ; rain,label,train
b.wav,wind,label,train
c.wav,,label,test
d.wav,rain,label,test
"""
JSON_LINES = """{"path": "a.wav", "labels": ["wind", "rain"], "split": "train"}
{"path": "b.wav", "labels": "wind", "split": "train"}
{"path": "c.wav", "labels": [], "split": "test"}
{"path": "d.wav", "labels": ["rain"], "split": "test"}
"""
VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)
TRUTH = np.array([[1, 1], [0, 1], [0, 0], [1, 0]])
CLASSES = np.array(["rain", "wind"])
SPLITS = np.array(["train", "train", "test", "test"])
ARRAYS: dict[str, Any] = {"X": VECTORS, "y": TRUTH, "classes": CLASSES, "split": SPLITS}


def write_npz(file: Path, **changes: Any) -> Path:
    np.savez(file, **{k: v for k, v in (ARRAYS | changes).items() if v is not None})
    return file


def write_parquet(file: Path, **changes: Any) -> Path:
    y = pa.array([list(each) for each in SETS], pa.list_(pa.string()))
    columns = {"X": VECTORS.tolist(), "y": y, "split": SPLITS} | changes
    pq.write_table(pa.table({k: v for k, v in columns.items() if v is not None}), file)
    return file


def found(dataset: Dataset) -> list[tuple[str, ...]]:
    assert dataset.tasks == {}
    assert dataset.multi_label_tasks == {"label": ("rain", "wind")}
    return [tuple(sorted(each.label_sets["label"])) for each in dataset.recordings]


@pytest.mark.parametrize(("name", "text"), [("m.csv", CSV), ("m.jsonl", JSON_LINES)])
def test_a_manifest_names_the_classes_of_a_clip(put: Put, name: str, text: str) -> None:
    root = put(*NAMES)
    (root / name).write_text(text)
    dataset = load(root / name)
    assert found(dataset) == SETS
    assert dataset.recordings[1].label("label") == LabelSet(("wind",))
    assert dataset.warnings == ()


def test_embeddings_bring_the_classes_of_a_clip(tmp_path: Path) -> None:
    large = pa.array([list(each) for each in SETS], pa.large_list(pa.large_string()))
    repeated = pa.array(
        [list(each) for each in SETS], pa.list_(pa.dictionary(pa.int8(), pa.string()))
    )
    files = [
        write_npz(tmp_path / "a.npz"),
        write_npz(tmp_path / "b.npz", y=TRUTH.astype(bool)),
        write_npz(tmp_path / "c.npz", y=TRUTH.astype(np.float16)),
        write_parquet(tmp_path / "a.parquet"),
        write_parquet(tmp_path / "b.parquet", y=large),
        write_parquet(tmp_path / "c.parquet", y=repeated),
    ]
    datasets = [load(file) for file in files]
    assert [found(each) for each in datasets] == [SETS] * 6
    assert {each.warnings for each in datasets} == {()}


def test_classes_are_in_the_order_of_their_array(tmp_path: Path) -> None:
    dataset = load(write_npz(tmp_path / "a.npz", classes=CLASSES[::-1]))
    assert dataset.multi_label_tasks == {"label": ("wind", "rain")}


def test_one_class_that_looks_like_several_is_told(put: Put, tmp_path: Path) -> None:
    rows = "path,label,split\na.wav,rain;wind,train\nb.wav,wind,train\nc.wav,wind,test\n"
    (told,) = load(put("a.wav", "b.wav", "c.wav", m=rows) / "m.csv").warnings
    assert "'rain;wind' is taken for one class; where it is several, call the column" in told
    y = np.array(["rain;wind", "wind", "rain;wind", "wind"])
    (told,) = load(write_npz(tmp_path / "a.npz", y=y, classes=None)).warnings
    assert "where it is several, give y of shape (n, k), of 0 and 1, and the array" in told
    (told,) = load(write_parquet(tmp_path / "a.parquet", y=y)).warnings
    assert "where it is several, give lists of texts in y" in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,labels\na.wav,\n", "line 2: no classes in labels: write them"),
        ("path,labels\na.wav,rain;rain\n", "line 2: 'rain' stands there twice; name each"),
        (
            "path,labels,negative\na.wav,rain,wind;rain\n",
            "line 2: 'rain' stands there twice; name each class once",
        ),
        ("path,labels,unknown\na.wav,rain,wind\n", "line 2: unknown is 'wind'; an experiment"),
        ("path,labels,answer\na.wav,,abstention\n", "line 2: answer is 'abstention'; an exper"),
        ("path,label,labels\na.wav,x,x\n", "line 1: columns 'label' and 'labels' in"),
        ("path,class\na.wav,x\n", "line 1: no column 'label' or 'labels' in 'path,class'"),
        ("path,label\na.wav,x\na.wav,y\n", "with all its classes in a column 'labels' where it"),
        ("path,labels,split\na.wav,x,train\nb.wav,x,test\n", "one class for the task 'label'"),
        (
            "path,labels,split\na.wav,x,train\nb.wav,x;y,test\n",
            "no train recording of the class 'y'",
        ),
    ],
)
def test_faults_of_a_manifest_are_told(
    put: Put, complaint: Complaint, text: str, message: str
) -> None:
    assert message in complaint(put(*NAMES, m=text) / "m.csv")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"path": "a.wav", "labels": ["x", 1]}', "line 1: 'labels' has"),
        ('{"path": "a.wav", "labels": ["x;y"]}', "has 'x;y'; it must be text, without ';'"),
        ('{"path": "a.wav", "labels": null}', "line 1: no classes in labels"),
        ('{"path": "a.wav", "labels": {"x": true}}', "'labels' is {'x': True}; it must be"),
        ('{"path": "a.wav"}', "line 1: no column 'label' or 'labels' in 'path'"),
        ('{"path": "a.wav", "labels": ["x"]}\n{"path": "b.wav"}', "line 2: no classes in labels"),
    ],
)
def test_faults_of_json_lines_are_told(
    put: Put, complaint: Complaint, line: str, message: str
) -> None:
    root = put(*NAMES)
    (root / "m.jsonl").write_text(line)
    assert message in complaint(root / "m.jsonl")


HALF, NAN = TRUTH.astype(float), TRUTH.astype(float)
HALF[1, 0], NAN[3, 1] = 0.5, np.nan


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": None}, "y is (4, 2), of several labels a clip, and there is no 'classes'"),
        ({"classes": CLASSES[:1]}, "y is (4, 2); with X and classes it must be (4, 1), a row for"),
        ({"y": TRUTH[:3]}, "y is (3, 2); with X and classes it must be (4, 2), a row for each"),
        ({"y": TRUTH * 2}, "y[0, 0] is 2; write 1 where the clip is of the class 'rain', and 0"),
        ({"y": HALF}, "y[1, 0] is 0.5; write 1"),
        ({"y": NAN}, "y[3, 1] is nan; write 1"),
        ({"y": TRUTH.astype(str)}, "y is (4, 2) of <U21; of several labels a clip it must be"),
        ({"classes": np.arange(2)}, "classes is of int64; it must be text"),
        ({"classes": np.array(["rain", "rain"])}, "classes[0] is 'rain'; it must be the name of"),
        ({"classes": np.array(["rain", " "])}, "classes[1] is ' '; it must be the name of"),
        ({"classes": np.array(["a;b", "c"])}, "classes[0] is 'a;b'; it must be the name of a"),
        ({"y": TRUTH[:, :1], "classes": CLASSES[:1]}, "has one class for the task 'label', 'rain'"),
        ({"y": TRUTH * [0, 1]}, "has no train recording of the class 'rain': add one, or drop"),
    ],
)
def test_faults_of_an_npz_are_told(
    tmp_path: Path, complaint: Complaint, changes: dict[str, Any], message: str
) -> None:
    told = complaint(write_npz(tmp_path / "a.npz", **changes))
    assert told.startswith(str(tmp_path / "a.npz"))
    assert message in told


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([["x"], None, ["y"], ["x"]], "y[1] is null: write an empty list for none"),
        ([["x"], ["x"], ["y", None], ["x"]], "y[2] has a null: name a class"),
        ([["x"], ["x"], ["y"], ["x", "y", "x"]], "y[3] has 'x' twice: name each class once"),
        ([["x"], ["x"], ["y"], ["x;y"]], "'x;y'; it must be the name of a class, without ';'"),
        ([["x" * 1025], ["x"], ["y"], ["x"]], "y has a text of 1,025 characters"),
        ([[1], [0], [1], [1]], "int64>; write text, or a list of texts a row"),
        ([[]] * 4, "y is a column of list<"),
    ],
)
def test_faults_of_a_parquet_file_are_told(
    tmp_path: Path, complaint: Complaint, y: list[Any], message: str
) -> None:
    assert message in complaint(write_parquet(tmp_path / "a.parquet", y=pa.array(y)))


def test_splits_divide_each_class_and_leave_something_to_learn_from(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    truth = generator.random((400, 6)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.01]
    arrays = {"X": generator.random((400, 2)), "y": truth, "classes": np.array(list("abcdef"))}
    dataset = load(write_npz(tmp_path / "a.npz", split=None, **arrays))
    assert dataset.is_drawn
    drawn = [[each.split for each in dataset.recordings]]
    drawn += [list(dataset.draw_splits(seed).values()) for seed in (1, 2)]
    assert drawn[1] != drawn[2]
    for splits, share in zip(drawn, (0.2, 0.3, 0.3), strict=True):
        is_test = np.array([each is Split.TEST for each in splits])
        for column in truth.T[:5]:
            assert abs(is_test[column].mean() - share) < 0.06
        assert abs(is_test.mean() - share) < 0.05
        trained = {
            name
            for each, t in zip(dataset.recordings, is_test, strict=True)
            if not t
            for name in each.label_sets["label"]
        }
        assert trained == set("abcdef")


def test_no_group_of_several_labels_is_on_both_sides(tmp_path: Path) -> None:
    truth, groups = np.tile(TRUTH, (10, 1)), np.repeat([f"g{n}" for n in range(10)], 4)
    file = write_npz(
        tmp_path / "a.npz", X=np.tile(VECTORS, (10, 1)), y=truth, group=groups, split=None
    )
    dataset = load(file)
    for splits in ([each.split for each in dataset.recordings], dataset.draw_splits(3).values()):
        sides = Counter(dict.fromkeys(zip(groups.tolist(), splits, strict=True), 1))
        assert sides.total() == 10
        assert {split for _, split in sides} >= {Split.TRAIN, Split.TEST}


def test_clips_of_which_each_has_a_class_of_its_own_cannot_be_split(
    tmp_path: Path, complaint: Complaint
) -> None:
    told = complaint(
        write_npz(tmp_path / "a.npz", y=np.eye(4), classes=np.array(list("abcd")), split=None)
    )
    assert "no clip of 4 can be test: each has a class that no other has" in told
