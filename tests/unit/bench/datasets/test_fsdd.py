from collections import Counter
from pathlib import Path

import pytest

from aloe.bench.datasets import DatasetError, load
from aloe.client.types import Split

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


def write_copy(root: Path) -> Path:
    folder = root / "recordings"
    folder.mkdir()
    for digit in range(10):
        for speaker in SPEAKERS:
            for take in range(50):
                (folder / f"{digit}_{speaker}_{take}.wav").touch()
    return folder


def count_splits(root: Path) -> Counter[Split]:
    return Counter(recording.split for recording in load("fsdd", root).recordings)


def test_real_copy_has_300_test_300_validation_and_2400_train_recordings(fsdd_root: Path) -> None:
    assert count_splits(fsdd_root) == {Split.TEST: 300, Split.VALIDATION: 300, Split.TRAIN: 2400}


def test_takes_decide_the_split(tmp_path: Path) -> None:
    write_copy(tmp_path)
    split_of = {r.clip_id: r.split for r in load("fsdd", tmp_path).recordings}
    assert split_of["7_theo_4"] is Split.TEST
    assert split_of["7_theo_5"] is Split.VALIDATION
    assert split_of["7_theo_9"] is Split.VALIDATION
    assert split_of["7_theo_10"] is Split.TRAIN


def test_every_recording_has_a_digit_and_a_speaker(tmp_path: Path) -> None:
    folder = write_copy(tmp_path)
    dataset = load("fsdd", tmp_path)
    assert dataset.tasks == {"digit": tuple("0123456789"), "speaker": SPEAKERS}
    recording = next(r for r in dataset.recordings if r.clip_id == "3_lucas_12")
    assert recording.labels == {"digit": "3", "speaker": "lucas"}
    assert recording.speaker == "lucas"
    assert recording.path == folder / "3_lucas_12.wav"
    assert count_splits(tmp_path).total() == 3000


def test_missing_folder_says_where_the_data_set_comes_from(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Jakobovski/free-spoken-digit-dataset on GitHub"):
        load("fsdd", tmp_path / "nowhere")


def test_missing_root_is_asked_for() -> None:
    with pytest.raises(DatasetError, match="give the root"):
        load("fsdd")


def test_partial_copy_says_how_much_is_missing_and_names_one(tmp_path: Path) -> None:
    folder = write_copy(tmp_path)
    (folder / "9_theo_49.wav").unlink()
    (folder / "0_lucas_0.wav").unlink()
    with pytest.raises(DatasetError, match=r"lacks 2 of 3,000 files, 0_lucas_0\.wav"):
        load("fsdd", tmp_path)


def test_foreign_recording_is_named(tmp_path: Path) -> None:
    (write_copy(tmp_path) / "0_mary_0.wav").touch()
    with pytest.raises(DatasetError, match=r"holds 0_mary_0\.wav"):
        load("fsdd", tmp_path)
