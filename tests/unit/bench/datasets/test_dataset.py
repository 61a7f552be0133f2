from dataclasses import replace
from pathlib import Path

import pytest

from aloe.bench.datasets import Dataset, DatasetError, Recording
from aloe.client.types import LabelSet, Split


def recording(clip_id: str, split: Split, label: str) -> Recording:
    return Recording(clip_id, Path(f"{clip_id}.wav"), split, {"word": label})


RECORDINGS = (
    recording("1", Split.TRAIN, "yes"),
    recording("2", Split.TRAIN, "no"),
    recording("3", Split.TRAIN, "no"),
    recording("4", Split.TEST, "yes"),
)
CLASSES = ("yes", "no")
TAGGED = tuple(
    replace(each, labels={}, label_sets={"sound": sounds})
    for each, sounds in zip(
        RECORDINGS, [("cough",), ("cough", "speech"), (), ("speech",)], strict=True
    )
)


def test_counts_are_by_split_and_class_in_official_order_zeros_included() -> None:
    counts = Dataset("set", RECORDINGS, {"word": CLASSES}).counts("word")
    assert {split: list(each.items()) for split, each in counts.items()} == {
        Split.TRAIN: [("yes", 1), ("no", 2)],
        Split.VALIDATION: [("yes", 0), ("no", 0)],
        Split.TEST: [("yes", 1), ("no", 0)],
    }


def test_recording_counts_once_for_each_of_its_labels() -> None:
    dataset = Dataset("set", TAGGED, {}, multi_label_tasks={"sound": ("speech", "cough")})
    counts = dataset.counts("sound")
    assert counts[Split.TRAIN] == {"speech": 1, "cough": 2}
    assert counts[Split.TEST] == {"speech": 1, "cough": 0}


def test_all_tasks_are_trainable_by_default() -> None:
    dataset = Dataset("set", RECORDINGS, {"word": CLASSES}, multi_label_tasks={"sound": ("a",)})
    assert dataset.trainable() == {"word": CLASSES, "sound": ("a",)}
    assert dataset.trainable(["word"]) == {"word": CLASSES}


def test_a_recording_has_one_label_or_a_set_of_them() -> None:
    assert RECORDINGS[0].label("word") == "yes"
    assert [each.label("sound") for each in TAGGED] == [
        LabelSet(("cough",)),
        LabelSet(("cough", "speech")),
        LabelSet(),
        LabelSet(("speech",)),
    ]


def test_splits_are_drawn_of_sets_of_labels() -> None:
    dataset = Dataset("set", TAGGED, {}, multi_label_tasks={"sound": ("speech", "cough")})
    assert dataset.draw_splits(0).keys() == {"1", "2", "3", "4"}


def test_unknown_task_lists_those_that_exist() -> None:
    with pytest.raises(DatasetError, match="set has no task 'vowel'; word exist"):
        Dataset("set", RECORDINGS, {"word": CLASSES}).trainable(["vowel"])


def test_clip_id_of_two_recordings_is_refused() -> None:
    twice = (*RECORDINGS, recording("2", Split.TEST, "no"))
    with pytest.raises(DatasetError, match="set lists 2 2 times"):
        Dataset("set", twice, {"word": CLASSES})


def test_multi_label_set_needs_train_and_test_recordings() -> None:
    with pytest.raises(DatasetError, match="no test recordings"):
        Dataset("set", TAGGED[:3], {}, multi_label_tasks={"sound": ("speech", "cough")})
    with pytest.raises(DatasetError, match="no train recordings"):
        Dataset("set", TAGGED[3:], {}, multi_label_tasks={"sound": ("speech", "cough")})
