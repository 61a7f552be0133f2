from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.bench.datasets.miniatures import write_audio, write_audioset, write_text

from aloe.bench.datasets import load
from aloe.client.types import Split

Complaint = Callable[..., str]
NAME = "audioset"
CLASSES = ("Speech", "Male speech, man speaking", "Cough")


def test_clips_have_several_labels_by_their_display_names(tmp_path: Path) -> None:
    dataset = load(NAME, write_audioset(tmp_path))
    assert (dataset.tasks, dataset.multi_label_tasks) == ({}, {"sound": CLASSES})
    assert [r.label_sets["sound"] for r in dataset.recordings] == [
        ("Speech", "Male speech, man speaking"),
        ("Cough",),
        ("Speech",),
        ("Cough", "Speech"),
    ]
    assert dataset.counts("sound")[Split.TEST] == dict(zip(CLASSES, (2, 0, 1), strict=True))


def test_audio_is_found_by_video_id_in_any_folder_and_format(tmp_path: Path) -> None:
    recordings = load(NAME, write_audioset(tmp_path)).recordings
    assert [r.path.name for r in recordings] == [
        "--PJHxphWEs_30.000_40.000.wav",
        "YYaQ0uxWZ1H4.wav",
        "-0RWZT_miFs_420000_430000.flac",
        "0123456789_.FLAC",
    ]
    assert all(r.audio() == r.path for r in recordings)


def test_segments_without_audio_are_left_out_and_told(tmp_path: Path) -> None:
    write_audioset(tmp_path)
    (warning,) = load(NAME, tmp_path).warnings
    assert warning == (
        f"audioset: 1 of 5 listed segments have no audio in {tmp_path / 'audio'}; they are left out"
    )
    write_audio(tmp_path / "audio" / "-gone-gone-.wav")
    assert load(NAME, tmp_path).warnings == ()


def test_unbalanced_list_adds_to_train(tmp_path: Path) -> None:
    write_audioset(tmp_path)
    write_audio(tmp_path / "audio" / "unbalanced0.wav")
    row = 'unbalanced0, 0.000, 10.000, "/m/01b_21"'
    write_text(tmp_path / "unbalanced_train_segments.csv", "# one", "# two", "# three", row)
    splits = [r.split for r in load(NAME, tmp_path).recordings]
    assert (splits.count(Split.TRAIN), splits.count(Split.TEST)) == (3, 2)


def test_all_of_its_classes_are_trained(tmp_path: Path) -> None:
    dataset = load(NAME, write_audioset(tmp_path))
    assert dataset.trainable() == {"sound": CLASSES}


@pytest.mark.parametrize(
    "file", ["class_labels_indices.csv", "balanced_train_segments.csv", "eval_segments.csv"]
)
def test_missing_list_is_named(tmp_path: Path, complaint: Complaint, file: str) -> None:
    (write_audioset(tmp_path) / file).unlink()
    told = complaint(NAME, tmp_path)
    assert f"lacks 1 of 3 files, {file} for one" in told
    assert "https://research.google.com/audioset" in told


def test_missing_audio_says_how_to_name_it(tmp_path: Path, complaint: Complaint) -> None:
    (write_audioset(tmp_path) / "audio").rename(tmp_path / "elsewhere")
    told = complaint(NAME, tmp_path)
    assert "holds the audio of none of 5 listed segments" in told
    assert "{ytid}_{start}_{end}.wav" in told


def test_unknown_label_is_named_with_its_line(tmp_path: Path, complaint: Complaint) -> None:
    file = write_audioset(tmp_path) / "eval_segments.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("/m/01b_21,", "/m/banana,"))
    told = complaint(NAME, tmp_path)
    assert "eval_segments.csv, line 5: the label '/m/banana' is none of" in told
