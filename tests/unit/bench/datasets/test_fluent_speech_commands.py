from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.bench.datasets.miniatures import (
    ACTIONS,
    write_audio,
    write_fluent_speech_commands,
)

from aloe.bench.datasets import load
from aloe.client.types import Split

Complaint = Callable[..., str]
NAME = "fluent-speech-commands"


def test_label_is_the_action(tmp_path: Path) -> None:
    folder = write_fluent_speech_commands(tmp_path)
    dataset = load(NAME, tmp_path)
    assert dataset.tasks == {"action": ACTIONS}
    assert dataset.counts("action") == dict.fromkeys(Split, dict.fromkeys(ACTIONS, 1))
    third = dataset.recordings[2]
    assert third.labels == {"action": "change language"}
    assert third.path == folder / "wavs" / "speakers" / "trainX" / "20bbb76a-52c2.wav"
    assert third.speaker == "trainX"


def test_folder_itself_serves_as_root(tmp_path: Path) -> None:
    folder = write_fluent_speech_commands(tmp_path)
    assert load(NAME, folder) == load(NAME, tmp_path)


def test_counts_and_rate_that_are_not_official_are_told(tmp_path: Path) -> None:
    folder = write_fluent_speech_commands(tmp_path)
    write_audio(folder / "wavs" / "speakers" / "trainX" / "10bbb76a-52c2.wav", rate_hz=22_050)
    counts, rate = load(NAME, tmp_path).warnings
    assert "the official one 23,132 train, 3,118 validation, 3,793 test;" in counts
    assert "10bbb76a-52c2.wav is sampled at 22,050 Hz" in rate


@pytest.mark.parametrize("split", ["valid", "test"])
def test_missing_split_file_is_named(tmp_path: Path, complaint: Complaint, split: str) -> None:
    folder = write_fluent_speech_commands(tmp_path)
    (folder / "data" / f"{split}_data.csv").unlink()
    told = complaint(NAME, tmp_path)
    assert f"lacks 1 of 3 files, data/{split}_data.csv for one" in told
    assert "https://fluent.ai/" in told


def test_missing_train_file_asks_for_the_root(tmp_path: Path, complaint: Complaint) -> None:
    (write_fluent_speech_commands(tmp_path) / "data" / "train_data.csv").unlink()
    assert f"no data/train_data.csv in {tmp_path}" in complaint(NAME, tmp_path)


def test_listed_recording_that_is_missing_is_named(tmp_path: Path, complaint: Complaint) -> None:
    folder = write_fluent_speech_commands(tmp_path)
    (folder / "wavs" / "speakers" / "testX" / "50bbb76a-52c2.wav").unlink()
    told = complaint(NAME, tmp_path)
    assert "lacks 1 of 6 files, wavs/speakers/testX/50bbb76a-52c2.wav for one" in told


def test_unknown_action_is_named_with_its_line(tmp_path: Path, complaint: Complaint) -> None:
    file = write_fluent_speech_commands(tmp_path) / "data" / "test_data.csv"
    file.write_text(file.read_text(encoding="utf-8").replace(",bring,", ",fetch,"))
    told = complaint(NAME, tmp_path)
    assert "test_data.csv, line 3: the action 'fetch' is none of activate, bring," in told


def test_row_with_unquoted_comma_is_named(tmp_path: Path, complaint: Complaint) -> None:
    file = write_fluent_speech_commands(tmp_path) / "data" / "valid_data.csv"
    file.write_text(file.read_text(encoding="utf-8").replace('"', ""))
    assert "valid_data.csv, line 2: 8 cells under 7 columns" in complaint(NAME, tmp_path)
