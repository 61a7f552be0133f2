import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.bench.datasets.miniatures import write_audio, write_vocalsound

from aloe.bench.datasets import load
from aloe.client.types import Split

Complaint = Callable[..., str]
NAME = "vocalsound"
CLASSES = ("Laughter", "Sigh", "Cough", "Throat clearing", "Sneeze", "Sniff")


def edit(file: Path, **changes: str) -> None:
    """Change the first entry of a JSON file."""
    content = json.loads(file.read_text())
    content["data"][0] |= changes
    file.write_text(json.dumps(content))


def test_classes_are_in_the_order_of_their_index_and_mids_mean_them(tmp_path: Path) -> None:
    dataset = load(NAME, write_vocalsound(tmp_path))
    assert dataset.tasks == {"sound": CLASSES}
    assert dataset.counts("sound") == dict.fromkeys(Split, dict.fromkeys(CLASSES, 1))
    throat = next(r for r in dataset.recordings if "throat" in r.path.name)
    assert throat.labels == {"sound": "Throat clearing"}


def test_authors_absolute_paths_are_read_by_file_name(tmp_path: Path) -> None:
    write_vocalsound(tmp_path)
    edit(tmp_path / "datafiles" / "tr.json", wav="C:\\vs\\data_44k\\f0003_0_laughter.wav")
    first = load(NAME, tmp_path).recordings[0]
    assert first.path == tmp_path / "audio_16k" / "f0003_0_laughter.wav"
    assert (first.clip_id, first.speaker) == ("f0003_0_laughter.wav", "f0003")


def test_extracted_folder_below_the_root_is_found(tmp_path: Path) -> None:
    write_vocalsound(tmp_path / "vs_release_16k")
    assert len(load(NAME, tmp_path).recordings) == 18


def test_counts_that_are_not_official_are_told(tmp_path: Path) -> None:
    (warning,) = load(NAME, write_vocalsound(tmp_path)).warnings
    assert "6 train, 6 validation, 6 test, the official one 15,570 train, 1,860 val" in warning


def test_recording_at_44_khz_is_told(tmp_path: Path) -> None:
    write_vocalsound(tmp_path)
    write_audio(tmp_path / "audio_16k" / "f0003_0_sigh.wav", rate_hz=44_100)
    _, warning = load(NAME, tmp_path).warnings
    assert "f0003_0_sigh.wav is sampled at 44,100 Hz, not 16,000" in warning


@pytest.mark.parametrize("split", ["tr", "val", "te"])
def test_missing_split_file_is_named(tmp_path: Path, complaint: Complaint, split: str) -> None:
    (write_vocalsound(tmp_path) / "datafiles" / f"{split}.json").unlink()
    told = complaint(NAME, tmp_path)
    assert f"lacks 1 of 3 files, datafiles/{split}.json for one" in told
    assert "https://github.com/YuanGongND/vocalsound" in told


def test_listed_recording_that_is_missing_is_named(tmp_path: Path, complaint: Complaint) -> None:
    (write_vocalsound(tmp_path) / "audio_16k" / "m0004_0_cough.wav").unlink()
    assert "lacks 1 of 18 files, m0004_0_cough.wav for one" in complaint(NAME, tmp_path)


def test_missing_audio_folder_is_told(tmp_path: Path, complaint: Complaint) -> None:
    (write_vocalsound(tmp_path) / "audio_16k").rename(tmp_path / "audio_44k")
    told = complaint(NAME, tmp_path)
    assert "audio_16k lacks 18 of 18 files" in told
    assert "vs_release_16k.zip" in told


def test_unknown_label_is_named(tmp_path: Path, complaint: Complaint) -> None:
    write_vocalsound(tmp_path)
    edit(tmp_path / "datafiles" / "te.json", labels="/m/09x0r")
    told = complaint(NAME, tmp_path)
    assert "te.json: f0005_0_laughter.wav has the label '/m/09x0r', which is none of" in told


def test_other_mids_are_refused(tmp_path: Path, complaint: Complaint) -> None:
    file = write_vocalsound(tmp_path) / "class_labels_indices_vs.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("/m/01hsr_", "/m/0"))
    assert "class_labels_indices_vs.csv lists the mids" in complaint(NAME, tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"data": [{"wav": "a.wav"}]}', '{"data": 1}'])
def test_other_json_is_refused(tmp_path: Path, complaint: Complaint, content: str) -> None:
    (write_vocalsound(tmp_path) / "datafiles" / "val.json").write_text(content)
    assert 'val.json is not {"data": [{"wav": ..., "labels": ...}]}' in complaint(NAME, tmp_path)


def test_recording_of_two_splits_is_named(tmp_path: Path, complaint: Complaint) -> None:
    write_vocalsound(tmp_path)
    edit(tmp_path / "datafiles" / "te.json", wav="f0003_0_laughter.wav")
    assert "lists f0003_0_laughter.wav 2 times" in complaint(NAME, tmp_path)
