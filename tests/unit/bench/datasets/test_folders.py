import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from aloe.bench.datasets import load
from aloe.client.types import Split

Put = Callable[..., Path]
Complaint = Callable[[Path], str]


def test_each_folder_is_a_class(put: Put) -> None:
    root = put(
        *(f"cough/{i}.wav" for i in range(10)),
        *(f"sneeze/deep/{i}.FLAC" for i in range(9)),
        "sneeze/deep/said.oga",
        "cough/notes.txt",
        ".git/0.wav",
    )
    dataset = load(root)
    assert dataset.tasks == {"label": ("cough", "sneeze")}
    assert Counter(r.labels["label"] for r in dataset.recordings) == {"cough": 10, "sneeze": 10}
    assert dataset.recordings[10].clip_id == "sneeze~deep~0.FLAC"
    assert Counter(r.split for r in dataset.recordings) == {
        Split.TRAIN: 14,
        Split.VALIDATION: 2,
        Split.TEST: 4,
    }
    assert load(root) == dataset
    assert load(root, seed=1) != dataset


def test_split_folders_on_top_decide_the_split(put: Put) -> None:
    root = put("train/a/1.wav", "train/b/1.wav", "valid/a/2.ogg", "test/a/3.mp3", "test/b/3.opus")
    dataset = load(root)
    assert dataset.tasks == {"label": ("a", "b")}
    assert {r.clip_id: r.split for r in dataset.recordings} == {
        "train~a~1.wav": Split.TRAIN,
        "train~b~1.wav": Split.TRAIN,
        "valid~a~2.ogg": Split.VALIDATION,
        "test~a~3.mp3": Split.TEST,
        "test~b~3.opus": Split.TEST,
    }


def test_class_called_train_is_a_class_beside_others(put: Put) -> None:
    root = put("train/1.wav", "train/2.wav", "car/1.wav", "car/2.wav")
    assert load(root).tasks == {"label": ("car", "train")}


def test_folder_without_folders_is_refused(put: Put, complaint: Complaint) -> None:
    assert "holds no folders" in complaint(put("1.wav"))


def test_class_without_audio_is_named(put: Put, complaint: Complaint) -> None:
    told = complaint(put("a/1.wav", "b/readme.txt"))
    assert re.search(r"b holds no audio \(.*\.flac.*\.wav.*\): add some", told)


def test_single_class_is_refused(put: Put, complaint: Complaint) -> None:
    assert "has one class for the task 'label', 'a'" in complaint(put("a/1.wav", "a/2.wav"))


def test_class_that_only_the_test_folder_has_is_refused(put: Put, complaint: Complaint) -> None:
    told = complaint(put("train/a/1.wav", "train/b/1.wav", "test/c/1.wav"))
    assert "no train recording of the class 'c'" in told


def test_missing_test_folder_is_refused(put: Put, complaint: Complaint) -> None:
    assert "no test recordings" in complaint(put("train/a/1.wav", "train/b/1.wav"))
