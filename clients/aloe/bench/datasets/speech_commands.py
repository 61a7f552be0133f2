"""Speech Commands v0.02 with 12 classes: ten commands, silence, and every other word as unknown."""

import re
from collections.abc import Iterator
from pathlib import Path

from aloe.bench.datasets.audio import measure
from aloe.bench.datasets.copies import (
    check_files,
    check_rate,
    compare_counts,
    count_splits,
    find_folder,
    list_names,
)
from aloe.bench.datasets.dataset import Dataset
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording, clip_id_of, segment_id_of
from aloe.client.types import Split

NAME, TASK = "speech-commands", "command"
COMMANDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
SILENCE, UNKNOWN = "_silence_", "_unknown_"
CLASSES = (*COMMANDS, SILENCE, UNKNOWN)
OTHER_WORDS = (
    "backward",
    "bed",
    "bird",
    "cat",
    "dog",
    "eight",
    "five",
    "follow",
    "forward",
    "four",
    "happy",
    "house",
    "learn",
    "marvin",
    "nine",
    "one",
    "seven",
    "sheila",
    "six",
    "three",
    "tree",
    "two",
    "visual",
    "wow",
    "zero",
)
OFFICIAL_COUNTS = {"train": 85_511, "validation": 10_102, "test": 4_890}
OFFICIAL_RATE_HZ = 16_000

_MAIN, _TEST = "speech_commands_v0.02", "speech_commands_test_set_v0.02"
_NOISE = "_background_noise_"
_VALIDATION_NOISE = "running_tap.wav"
_NOISES = (
    "doing_the_dishes.wav",
    "dude_miaowing.wav",
    "exercise_bike.wav",
    "pink_noise.wav",
    _VALIDATION_NOISE,
    "white_noise.wav",
)
_WINDOWS_PER_S = 2
_SPEAKER = re.compile(r"([0-9a-f]{8})_nohash_")
_LABELS = {name: {TASK: name} for name in CLASSES}
_SOURCE = f"extract http://download.tensorflow.org/data/{_MAIN}.tar.gz into a folder of that name"
_TEST_SOURCE = _SOURCE.replace(_MAIN, _TEST)


def load_speech_commands(root: Path) -> Dataset:
    """Read `root/speech_commands_v0.02` and `root/speech_commands_test_set_v0.02`.

    Split as in TensorFlow Datasets: validation is what `validation_list.txt` names, test is the
    test archive alone, and train is what neither it nor `testing_list.txt` names. Silence is cut
    from the noise files: a window of one second every half second; `running_tap.wav` is validation,
    the others are train.

    Raises:
        DatasetError: a folder, list, word or listed file is missing, or a folder is not a word.
    """
    main = find_folder(root, _MAIN, source=_SOURCE) / _MAIN
    test = find_folder(root, _TEST, source=_TEST_SOURCE) / _TEST
    check_files(main / _NOISE, _NOISES, source=_SOURCE)
    recordings = (*_words(main), *_silence(main / _NOISE), *_test(test))
    warnings = (
        *compare_counts(NAME, count_splits(recordings), OFFICIAL_COUNTS),
        *check_rate(NAME, TASK, recordings, OFFICIAL_RATE_HZ),
    )
    return Dataset(NAME, recordings, {TASK: CLASSES}, warnings=warnings)


def _words(main: Path) -> Iterator[Recording]:
    _check_folders(main, (*COMMANDS, *OTHER_WORDS), also=_NOISE, source=_SOURCE)
    validation, testing = (_listed(main, f"{part}_list.txt") for part in ("validation", "testing"))
    check_files(main, validation | testing, source=_SOURCE)
    for word in sorted((*COMMANDS, *OTHER_WORDS)):
        for name in list_names(main / word, ".wav"):
            file = f"{word}/{name}"
            if file not in testing:
                split = Split.VALIDATION if file in validation else Split.TRAIN
                yield _recording(main, file, word if word in COMMANDS else UNKNOWN, split)


def _test(test: Path) -> Iterator[Recording]:
    _check_folders(test, CLASSES, also="", source=_TEST_SOURCE)
    for label in CLASSES:
        for name in list_names(test / label, ".wav"):
            yield _recording(test, f"{label}/{name}", label, Split.TEST)


def _silence(folder: Path) -> Iterator[Recording]:
    for name in _NOISES:
        path = folder / name
        sample_count, rate_hz = measure(path, name=str(path))
        # The official data set leaves out a window that ends exactly at the end of its file.
        starts = range(0, sample_count - rate_hz, rate_hz // _WINDOWS_PER_S)
        for place in range(len(starts)):
            start_s = place / _WINDOWS_PER_S
            yield Recording(
                segment_id_of(f"{_MAIN}/{_NOISE}/{name}", start_s, start_s + 1),
                path,
                Split.VALIDATION if name == _VALIDATION_NOISE else Split.TRAIN,
                _LABELS[SILENCE],
                start_s=start_s,
                end_s=start_s + 1,
            )


def _recording(folder: Path, file: str, label: str, split: Split) -> Recording:
    speaker = _SPEAKER.search(file)
    return Recording(
        clip_id_of(f"{folder.name}/{file}"),
        folder / file,
        split,
        _LABELS[label],
        speaker=speaker[1] if speaker else "",
    )


def _listed(main: Path, name: str) -> set[str]:
    check_files(main, [name], source=_SOURCE)
    text = (main / name).read_text(encoding="utf-8-sig", errors="replace")
    return set(text.split())


def _check_folders(folder: Path, words: tuple[str, ...], *, also: str, source: str) -> None:
    check_files(folder, words, source=source)
    for name in list_names(folder):
        if name not in words and name != also and (folder / name).is_dir():
            raise DatasetError(
                f"{folder} holds the folder {name!r}, which is none of its {len(words)} words: move"
                " it elsewhere"
            )
