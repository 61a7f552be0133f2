"""Data sets of embeddings, without audio."""

import io
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aloe.bench.datasets import Dataset, DatasetError, load, npz
from aloe.bench.datasets.split_notes import about_splits
from aloe.client.types import Split

Complaint = Callable[[Path], str]

VECTORS = np.arange(24, dtype=np.float16).reshape(8, 3)
LABELS = np.array(["no", "yes"] * 4)
SPLITS = np.array(["train"] * 4 + ["dev"] * 2 + ["Test"] * 2)
ARRAYS: dict[str, Any] = {"X": VECTORS, "y": LABELS, "split": SPLITS}


def write_npz(file: Path, **changes: Any) -> Path:
    np.savez(file, **{k: v for k, v in (ARRAYS | changes).items() if v is not None})
    return file


def write_parquet(file: Path, **changes: Any) -> Path:
    columns = ARRAYS | {"X": VECTORS.tolist()} | changes
    pq.write_table(pa.table({k: v for k, v in columns.items() if v is not None}), file)
    return file


WRITERS = pytest.mark.parametrize(
    ("write", "name"), [(write_npz, "beasts-yamnet.npz"), (write_parquet, "beasts-yamnet.parquet")]
)


def brought(dataset: Dataset) -> tuple[str, np.ndarray]:
    assert dataset.embeddings is not None
    return dataset.embeddings.fingerprint, dataset.embeddings.vectors


@WRITERS
def test_vectors_classes_and_splits_are_read(tmp_path: Path, write, name: str) -> None:
    dataset = load(write(tmp_path / name))
    assert dataset.tasks == {"label": ("no", "yes")}
    assert [r.labels["label"] for r in dataset.recordings] == LABELS.tolist()
    assert [r.split for r in dataset.recordings] == (
        [Split.TRAIN] * 4 + [Split.VALIDATION] * 2 + [Split.TEST] * 2
    )
    assert [r.clip_id for r in dataset.recordings][-1] == "beasts-yamnet~7"
    assert dataset.embeddings is not None
    assert dataset.embeddings.encoder == "yamnet"
    assert dataset.embeddings.vectors.dtype == np.float32
    np.testing.assert_array_equal(dataset.embeddings.vectors, VECTORS)
    assert not dataset.is_drawn
    assert dataset.warnings == ()


def test_the_fingerprint_is_of_the_vectors_however_they_are_written(tmp_path: Path) -> None:
    first, _ = brought(load(write_npz(tmp_path / "a.npz")))
    wide = VECTORS.astype(np.float64, order="F")
    kinds = [pa.large_list(pa.float64()), pa.list_(pa.float32(), 3), pa.list_(pa.float16())]
    columns = [
        pa.array(list(VECTORS.astype(kind.value_type.to_pandas_dtype())), kind) for kind in kinds
    ]
    others = [
        write_npz(tmp_path / "b.npz", X=wide, y=np.array(["no"] * 7 + ["yes"]), split=None),
        *(write_parquet(tmp_path / f"{n}.parquet", X=each) for n, each in enumerate(columns)),
    ]
    assert {brought(load(each))[0] for each in others} == {first}
    assert len(first) == 32
    changed = VECTORS.copy()
    changed[3, 1] += 0.25
    assert brought(load(write_npz(tmp_path / "c.npz", X=changed)))[0] != first
    turned = write_npz(tmp_path / "d.npz", X=VECTORS.reshape(4, 6), y=LABELS[:4], split=None)
    assert brought(load(turned))[0] != first


@WRITERS
def test_splits_are_drawn_by_group_where_none_are_given(tmp_path: Path, write, name: str) -> None:
    groups = np.array(["a", "a", "b", "b", "c", "c", "", ""])
    dataset = load(write(tmp_path / name, split=None, group=groups))
    assert (dataset.groups, dataset.is_drawn) == (tuple(groups), True)
    found = {(g, r.split) for g, r in zip(groups, dataset.recordings, strict=True) if g}
    assert len(found) == 3
    (told,) = about_splits(dataset)
    assert re.search(r"drawn by group, \d train, .*; 2 clips without a group were drawn", told)
    (told,) = about_splits(dataset, per_seed=True)
    assert "each seed draws 30 % of the clips as test clips, no group in both" in told
    # As where a column is there but was not filled in.
    blank = load(write(tmp_path / name, split=np.array([""] * 8), group=np.array([""] * 8)))
    assert blank.is_drawn
    assert about_splits(blank) == ()


def test_a_split_that_all_seeds_share_is_told(tmp_path: Path) -> None:
    dataset = load(write_npz(tmp_path / "a.npz"))
    assert about_splits(dataset) == ()
    (told,) = about_splits(dataset, per_seed=True)
    assert told.endswith(
        "a.npz: its own split for every seed; --ignore-splits lets each seed draw one"
    )


def test_a_split_of_its_own_that_has_groups_on_both_sides_is_told(tmp_path: Path) -> None:
    groups = np.array(["a", "b", "c", "d", "e", "", "a", "e"])
    dataset = load(write_npz(tmp_path / "a.npz", group=groups))
    (told,) = about_splits(dataset)
    assert told == (
        f"{tmp_path / 'a.npz'}: 1 of its 5 groups are in both train and test by its own split;"
        " --split-per-seed with --ignore-splits keeps them apart"
    )
    assert about_splits(dataset, per_seed=True) == (told,)
    (told,) = about_splits(dataset, per_seed=True, ignored=True)
    assert told.endswith(
        ": each seed draws 30 % of the clips as test clips, no group in both train and test; 1"
        " clips without a group were drawn one by one"
    )
    drawn = dataset.draw_splits(0)
    sides = {(g, s) for g, s in zip(groups, drawn.values(), strict=True) if g}
    assert len(sides) == 5


def test_clips_keep_the_ids_that_they_have(tmp_path: Path) -> None:
    ids = np.array([f"dogs/{n}.wav" for n in range(8)])
    dataset = load(write_npz(tmp_path / "a.npz", clip_id=ids, extra=ids))
    assert dataset.recordings[2].clip_id == "dogs~2.wav"
    assert dataset.warnings == (f"{tmp_path / 'a.npz'}: not read: 'extra'",)


def test_there_is_no_audio(tmp_path: Path) -> None:
    recording = load(write_npz(tmp_path / "a.npz")).recordings[0]
    assert recording.uri == ""
    with pytest.raises(DatasetError, match="holds embeddings: there is no audio to hear"):
        recording.audio()


NAN = VECTORS.copy()
NAN[5, 2] = np.nan
LARGE = VECTORS.astype(np.float64)
LARGE[6, 0] = 1e300
IDS = np.array(["a", "b", "c", "a", "d", "e", "f", "g"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": None}, "has no 'X'; it takes X (n, d) of floats and y (n,) of text"),
        ({"y": None}, "has no 'y'; it takes X"),
        ({"X": VECTORS[0]}, "X is (3,) of float16; it must be (n, d) of floats"),
        ({"X": VECTORS.astype(int)}, "X is (8, 3) of int64; it must be (n, d) of floats"),
        ({"X": VECTORS[:0], "y": LABELS[:0], "split": None}, "X is (0, 3): it holds no embedding"),
        ({"X": VECTORS[:, :0]}, "X is (8, 0): it holds no embedding; add some"),
        ({"X": np.zeros((2, 65_537), np.float16)}, "at most 10,000,000 clips of 65,536 numbers"),
        ({"X": NAN}, "X[5] holds NaN, infinity or what float32 cannot hold, as 1 of 8 rows do"),
        ({"X": LARGE}, "X[6] holds NaN, infinity or what float32 cannot hold"),
        ({"X": VECTORS.astype(object)}, "X holds Python objects, which could run code"),
        ({"y": LABELS.astype(object)}, "y holds Python objects, which could run code"),
        ({"y": np.arange(8)}, "y is of int64; it must be text: write y.astype(str)"),
        ({"y": LABELS.astype("S3")}, "y is of |S3; it must be text"),
        ({"y": LABELS[:7]}, "y is (7,), but X has 8 rows; give one text for each"),
        ({"y": np.array(["no", ""] * 4)}, "y[1] is empty; fill it in"),
        ({"y": np.array(["no"] * 8)}, "has one class for the task 'label', 'no': it takes two"),
        ({"split": SPLITS[:, np.newaxis]}, "split is (8, 1), but X has 8 rows"),
        ({"split": np.array(["train", "tset"] * 4)}, "split[1] is 'tset'; write train,"),
        ({"split": np.array(["train"] * 8)}, "has no test recordings"),
        ({"split": np.array(["train", "test"] * 4)}, "no train recording of the class 'yes'"),
        ({"clip_id": IDS}, "clip_id[3] is 'a', as clip_id[0] is: give each clip an id of its own"),
    ],
)
def test_faults_of_an_npz_are_told_with_their_place(
    tmp_path: Path, complaint: Complaint, changes: dict[str, Any], message: str
) -> None:
    file = write_npz(tmp_path / "a.npz", **changes)
    told = complaint(file)
    assert told.startswith(str(file))
    assert message in told


UNEQUAL = [*VECTORS.tolist()[:7], [1.0]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": None}, "has no 'X'; it takes X"),
        ({"X": pa.array([1.0] * 8)}, "X is a column of double; write a list of floats a row"),
        ({"X": pa.array([[1], [2]] * 4)}, ": int64>; write a list of floats a row"),
        ({"X": [*VECTORS.tolist()[:7], None]}, "X[7] is null: drop the clip, or embed it"),
        ({"X": UNEQUAL}, "X[7] has 1 numbers, and X[0] 3: embed all clips with one encoder"),
        ({"X": [*VECTORS.tolist()[:7], [1.0, None, 2.0]]}, "X[7] holds NaN"),
        ({"y": pa.array(range(8))}, "y is a column of int64; write text"),
        ({"y": [*LABELS[:7], None]}, "y[7] is null: fill it in"),
        ({"y": [*LABELS[:7], "x" * 1025]}, "y has a text of 1,025 characters; at most 1,024"),
        ({"split": ["train", "tset"] * 4}, "split[1] is 'tset'; write train, validation or test"),
        ({"X": [], "y": pa.array([], pa.string()), "split": None}, "X is a column of null"),
        (
            {"X": pa.array([], pa.list_(pa.float32())), "y": pa.array([], "str"), "split": None},
            "X is (0, 0): it holds no embedding",
        ),
    ],
)
def test_faults_of_a_parquet_file_are_told_with_their_place(
    tmp_path: Path, complaint: Complaint, changes: dict[str, Any], message: str
) -> None:
    file = write_parquet(tmp_path / "a.parquet", **changes)
    told = complaint(file)
    assert told.startswith(str(file))
    assert message in told


@pytest.mark.parametrize("name", ["a.npz", "a.parquet"])
@pytest.mark.parametrize("content", [b"", b"PK", b"path,label\n", b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_no_such_file_is_named(
    tmp_path: Path, complaint: Complaint, name: str, content: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert f"{file} cannot be read (" in complaint(file)


def test_a_damaged_file_is_refused(tmp_path: Path, complaint: Complaint) -> None:
    file = write_npz(
        tmp_path / "a.npz", X=np.ones((500, 3)), y=np.array(["a", "b"] * 250), split=None
    )
    data = bytearray(file.read_bytes())
    data[data.index(np.ones(8).tobytes()) + 400] ^= 1
    file.write_bytes(data)
    assert "cannot be read (Bad CRC-32 for file 'X.npy')" in complaint(file)


def test_an_array_that_claims_more_than_is_read_is_refused_unread(
    tmp_path: Path, complaint: Complaint
) -> None:
    header = io.BytesIO()
    about = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 1024)}
    np.lib.format.write_array_header_1_0(header, about)
    file = tmp_path / "a.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("X.npy", header.getvalue())
    told = complaint(file)
    assert f"X takes {1 << 52:,} bytes; at most {npz.MAX_BYTES:,} are read" in told


ABOUT = "{'descr': '<f4', 'fortran_order': False, 'shape': "


@pytest.mark.parametrize("header", [f"{ABOUT}(4, 3", f"{ABOUT}({2**70}, 0)}}", "[" * 200])
def test_headers_that_are_none_are_told_in_short(
    tmp_path: Path, complaint: Complaint, header: str
) -> None:
    file, text = tmp_path / "a.npz", header.encode()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("X.npy", b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text)
    told = complaint(file)
    assert told.startswith(f"{file} cannot be read (")
    assert len(told) < len(str(file)) + 300


def test_an_array_is_a_file_of_the_archive_by_its_ending(
    tmp_path: Path, complaint: Complaint
) -> None:
    file = tmp_path / "a.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("X", b"")
    assert "has no 'X'; it takes X" in complaint(file)


@pytest.mark.parametrize("code_point", [0xD800, 0x110000, 0x7FFFFFFF])
@pytest.mark.parametrize("name", ["y", "group", "clip_id"])
def test_what_is_no_text_is_told(
    tmp_path: Path, complaint: Complaint, name: str, code_point: int
) -> None:
    texts = np.array([ord("a"), code_point] * 4, "<u4").view("<U1")
    file = write_npz(tmp_path / "a.npz", **{name: texts})
    assert f"{file}: {name} holds what is no Unicode text" in complaint(file)


@pytest.mark.parametrize("name", ["X", "y"])
def test_columns_of_one_name_are_told(tmp_path: Path, complaint: Complaint, name: str) -> None:
    columns = {"X": pa.array(VECTORS.tolist()), "y": pa.array(LABELS.tolist())}
    names = [*columns, name]
    table = pa.Table.from_arrays([columns[each] for each in names], names=names)
    pq.write_table(table, tmp_path / "a.parquet")
    assert f"a.parquet has 2 columns '{name}'; leave one" in complaint(tmp_path / "a.parquet")


class _Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("sprung"),))


def test_nothing_is_unpickled(
    tmp_path: Path, complaint: Complaint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trap = np.array([_Trap()] * 8, dtype=object)
    objects = write_npz(tmp_path / "a.npz", y=trap)
    assert "y holds Python objects" in complaint(objects)
    pickled = tmp_path / "b.npz"
    with zipfile.ZipFile(pickled, "w") as archive:
        archive.writestr("X.npy", pickle.dumps(_Trap()))
    assert f"{pickled} cannot be read (" in complaint(pickled)
    assert not (tmp_path / "sprung").exists()
