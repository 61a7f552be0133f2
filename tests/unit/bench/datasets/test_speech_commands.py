from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.bench.datasets.miniatures import ramp, read, write_audio, write_speech_commands

from aloe.bench.datasets import Recording, load
from aloe.client.types import Split

Complaint = Callable[..., str]
NAME = "speech-commands"
MAIN, TEST = "speech_commands_v0.02", "speech_commands_test_set_v0.02"


@pytest.fixture
def main(tmp_path: Path) -> Path:
    return write_speech_commands(tmp_path)


def find(root: Path, file: str, start_s: float = 0.0) -> Recording:
    path = root / file
    return next(r for r in load(NAME, root).recordings if r.path == path and r.start_s == start_s)


def test_classes_are_ten_commands_silence_and_unknown(tmp_path: Path, main: Path) -> None:
    (classes,) = load(NAME, tmp_path).tasks.values()
    assert " ".join(classes) == "down go left no off on right stop up yes _silence_ _unknown_"


def test_other_25_words_are_unknown_and_all_kept(tmp_path: Path, main: Path) -> None:
    counts = load(NAME, tmp_path).counts("command")
    assert counts[Split.TRAIN]["_unknown_"] == counts[Split.VALIDATION]["_unknown_"] == 25
    assert counts[Split.TRAIN]["yes"] == counts[Split.VALIDATION]["yes"] == 1


def test_lists_and_the_test_archive_decide_the_split(tmp_path: Path, main: Path) -> None:
    assert find(tmp_path, f"{MAIN}/yes/0000000a_nohash_0.wav").split is Split.TRAIN
    assert find(tmp_path, f"{MAIN}/yes/0000000b_nohash_0.wav").split is Split.VALIDATION
    assert find(tmp_path, f"{TEST}/yes/0000000c_nohash_0.wav").split is Split.TEST
    dataset = load(NAME, tmp_path)
    assert main / "yes" / "0000000c_nohash_0.wav" not in {r.path for r in dataset.recordings}
    assert set(dataset.counts("command")[Split.TEST].values()) == {1}


def test_speaker_is_the_start_of_the_file_name(tmp_path: Path, main: Path) -> None:
    assert find(tmp_path, f"{MAIN}/bed/0000000a_nohash_0.wav").speaker == "0000000a"
    assert find(tmp_path, f"{MAIN}/_background_noise_/pink_noise.wav").speaker == ""


def test_silence_is_a_second_of_noise_every_half_second(tmp_path: Path, main: Path) -> None:
    dataset = load(NAME, tmp_path)
    silence = [r for r in dataset.recordings if r.path.name == "pink_noise.wav"]
    assert [(r.start_s, r.end_s) for r in silence] == [(0.0, 1.0), (0.5, 1.5), (1.0, 2.0)]
    assert {r.labels["command"] for r in silence} == {"_silence_"}
    assert read(silence[1]) == ramp(2.25)[8_000:24_000].tolist()
    counts = dataset.counts("command")
    assert (counts[Split.TRAIN]["_silence_"], counts[Split.VALIDATION]["_silence_"]) == (15, 3)


def test_window_that_ends_with_its_file_is_left_out_as_officially(
    tmp_path: Path, main: Path
) -> None:
    write_audio(main / "_background_noise_" / "pink_noise.wav", 2.0)
    silence = [r for r in load(NAME, tmp_path).recordings if r.path.name == "pink_noise.wav"]
    assert [r.start_s for r in silence] == [0.0, 0.5]


def test_running_tap_is_for_validation(tmp_path: Path, main: Path) -> None:
    tap = find(tmp_path, f"{MAIN}/_background_noise_/running_tap.wav", 0.5)
    assert tap.split is Split.VALIDATION


def test_counts_that_are_not_official_are_told_in_one_line(tmp_path: Path, main: Path) -> None:
    (warning,) = load(NAME, tmp_path).warnings
    assert warning == (
        "speech-commands: this copy has 50 train, 38 validation, 12 test, the official one 85,511"
        " train, 10,102 validation, 4,890 test; its accuracies may not compare with published ones"
    )


def test_another_sampling_rate_is_told_in_one_line(tmp_path: Path, main: Path) -> None:
    write_audio(main / "yes" / "0000000a_nohash_0.wav", rate_hz=8_000)
    _, warning = load(NAME, tmp_path).warnings
    assert "yes/0000000a_nohash_0.wav is sampled at 8,000 Hz, not 16,000;" in warning


def test_corrupt_clip_is_left_to_the_embedding_service(tmp_path: Path, main: Path) -> None:
    (main / "yes" / "0000000a_nohash_0.wav").write_bytes(b"no audio")
    assert len(load(NAME, tmp_path).warnings) == 1


def test_upper_case_suffix_and_hidden_files_are_no_fault(tmp_path: Path, main: Path) -> None:
    (main / "yes" / "0000000a_nohash_0.wav").rename(main / "yes" / "0000000a_nohash_0.WAV")
    (main / "yes" / "._0000000a_nohash_0.wav").touch()
    assert load(NAME, tmp_path).counts("command")[Split.TRAIN]["yes"] == 1


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("validation_list.txt", "lacks 1 of 1 files, validation_list.txt for one; extract http"),
        ("testing_list.txt", "lacks 1 of 1 files, testing_list.txt for one; extract http"),
        ("bed/0000000b_nohash_0.wav", "lacks 1 of 70 files, bed/0000000b_nohash_0.wav for one;"),
        ("bed/0000000c_nohash_0.wav", "lacks 1 of 70 files, bed/0000000c_nohash_0.wav for one;"),
        ("_background_noise_/pink_noise.wav", "lacks 1 of 6 files, pink_noise.wav for one;"),
    ],
)
def test_missing_file_is_named_with_where_to_get_it(
    tmp_path: Path, main: Path, complaint: Complaint, file: str, message: str
) -> None:
    (main / file).unlink()
    assert message in complaint(NAME, tmp_path)


@pytest.mark.parametrize("folder", [MAIN, TEST])
def test_missing_archive_says_what_to_extract(
    tmp_path: Path, main: Path, complaint: Complaint, folder: str
) -> None:
    (tmp_path / folder).rename(tmp_path / "elsewhere")
    told = complaint(NAME, tmp_path)
    assert f"no {folder} in {tmp_path}" in told
    assert f"http://download.tensorflow.org/data/{folder}.tar.gz" in told


def test_missing_word_is_named(tmp_path: Path, main: Path, complaint: Complaint) -> None:
    (main / "bed").rename(tmp_path / "bed")
    assert "lacks 1 of 35 files, bed for one" in complaint(NAME, tmp_path)


@pytest.mark.parametrize("folder", [MAIN, TEST])
def test_unknown_word_is_named(
    tmp_path: Path, main: Path, complaint: Complaint, folder: str
) -> None:
    (tmp_path / folder / "banana").mkdir()
    assert "holds the folder 'banana', which is none of its" in complaint(NAME, tmp_path)


def test_corrupt_noise_is_named(tmp_path: Path, main: Path, complaint: Complaint) -> None:
    (main / "_background_noise_" / "pink_noise.wav").write_bytes(b"no audio")
    assert "pink_noise.wav: 8 bytes are no audio file" in complaint(NAME, tmp_path)
