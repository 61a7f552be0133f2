from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from tests.unit.bench.datasets.miniatures import write_mswc

from aloe.bench.datasets import load
from aloe.client.types import Split

Complaint = Callable[..., str]
NAME = "mswc-micro-en"


def test_csv_files_decide_the_split_and_the_classes(tmp_path: Path) -> None:
    write_mswc(tmp_path)
    dataset = load(NAME, tmp_path)
    assert dataset.tasks == {"word": ("down", "left", "zero")}
    assert dataset.counts("word") == {s: {"down": 2, "left": 2, "zero": 2} for s in Split}


def test_clips_are_opus_and_invalid_ones_count(tmp_path: Path) -> None:
    folder = write_mswc(tmp_path)
    first, second, *_ = load(NAME, tmp_path).recordings
    assert first.path == folder / "clips" / "down" / "common_voice_en_train0__2.opus"
    assert first.clip_id == "down~common_voice_en_train0__2.opus"
    assert soundfile.info(first.path).subtype == "OPUS"
    assert (first.speaker, second.speaker) == ("5f" * 64, "")


@pytest.mark.parametrize("root", ["mswc_microset", "mswc_microset/en"])
def test_inner_folder_serves_as_root(tmp_path: Path, root: str) -> None:
    write_mswc(tmp_path)
    assert load(NAME, tmp_path / root) == load(NAME, tmp_path)


def test_byte_order_mark_quotes_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    file = write_mswc(tmp_path) / "en_train.csv"
    text = file.read_text(encoding="utf-8").replace("down,", '"down",')
    file.write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    assert load(NAME, tmp_path).counts("word")[Split.TRAIN]["down"] == 2


def test_counts_that_are_not_official_are_told(tmp_path: Path) -> None:
    write_mswc(tmp_path)
    (warning,) = load(NAME, tmp_path).warnings
    assert "has 18 clips, 3 words, the official one 96,099 clips, 31 words;" in warning


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_missing_split_file_is_named(tmp_path: Path, complaint: Complaint, split: str) -> None:
    (write_mswc(tmp_path) / f"en_{split}.csv").unlink()
    told = complaint(NAME, tmp_path)
    assert f"lacks 1 of 3 files, en_{split}.csv for one" in told
    assert "https://mlcommons.org/en/multilingual-spoken-words" in told


def test_listed_clip_that_is_missing_is_named(tmp_path: Path, complaint: Complaint) -> None:
    clips = write_mswc(tmp_path) / "clips"
    (clips / "left" / "common_voice_en_dev1__2.opus").unlink()
    told = complaint(NAME, tmp_path)
    assert "lacks 1 of 6 files, left/common_voice_en_dev1__2.opus for one" in told


def test_missing_word_folder_is_counted(tmp_path: Path, complaint: Complaint) -> None:
    clips = write_mswc(tmp_path) / "clips"
    (clips / "left").rename(tmp_path / "left")
    assert "lacks 2 of 6 files" in complaint(NAME, tmp_path)


def test_word_that_is_in_no_train_row_is_named(tmp_path: Path, complaint: Complaint) -> None:
    file = write_mswc(tmp_path) / "en_test.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("opus,zero", "opus,nought"))
    told = complaint(NAME, tmp_path)
    assert "en_test.csv, line 6: the word 'nought' is in no row of en_train.csv" in told


def test_other_columns_are_refused(tmp_path: Path, complaint: Complaint) -> None:
    file = write_mswc(tmp_path) / "en_dev.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("LINK,", "SET,", 1))
    assert "en_dev.csv, line 1: no column 'LINK'" in complaint(NAME, tmp_path)


def test_wrong_root_says_where_the_data_set_comes_from(
    tmp_path: Path, complaint: Complaint
) -> None:
    assert f"no clips in {tmp_path}: give the root" in complaint(NAME, tmp_path)
