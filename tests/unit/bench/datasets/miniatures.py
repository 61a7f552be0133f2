"""Miniature copies of published data sets, each in its official layout."""

import io
import json
import tarfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from aloe.bench.datasets import Recording

SPEECH_COMMANDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
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
NOISES = (
    "doing_the_dishes",
    "dude_miaowing",
    "exercise_bike",
    "pink_noise",
    "running_tap",
    "white_noise",
)
MIDS = {
    "/m/01j3sz": "Laughter",
    "/m/07plz5l": "Sigh",
    "/m/01b_21": "Cough",
    "/m/0dl9sf8": "Throat clearing",
    "/m/01hsr_": "Sneeze",
    "/m/07ppn3j": "Sniff",
}
LANGUAGES = ("de", "en", "es", "fr", "it", "ru")
ACTIONS = ("activate", "bring", "change language", "deactivate", "decrease", "increase")
TREE = "Trunk/Audio/Main/16kHz_16bit"


def ramp(duration_s: float, rate_hz: int = 16_000) -> np.ndarray:
    """16 bit samples, each of which is its place."""
    return np.arange(round(duration_s * rate_hz), dtype=np.int16)


@lru_cache
def encode(suffix: str, duration_s: float, rate_hz: int) -> bytes:
    file = io.BytesIO()
    container, subtype = {
        ".wav": ("WAV", "PCM_16"),
        ".flac": ("FLAC", "PCM_16"),
        ".opus": ("OGG", "OPUS"),
    }[suffix.lower()]
    soundfile.write(file, ramp(duration_s, rate_hz), rate_hz, subtype, format=container)
    return file.getvalue()


def write_audio(path: Path, duration_s: float = 0.01, rate_hz: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(path.suffix, duration_s, rate_hz))
    return path


def read(recording: Recording) -> list[int]:
    """The 16 bit samples of a clip."""
    content = recording.audio()
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    samples: list[int] = soundfile.read(source, dtype="int16")[0].tolist()
    return samples


def write_text(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_speech_commands(root: Path) -> Path:
    """Of each word one train, one validation and one test recording; of each class one test."""
    main = root / "speech_commands_v0.02"
    words = (*SPEECH_COMMANDS, *OTHER_WORDS)
    for word in words:
        for speaker in ("0000000a", "0000000b", "0000000c"):
            write_audio(main / word / f"{speaker}_nohash_0.wav")
    write_text(main / "validation_list.txt", *(f"{w}/0000000b_nohash_0.wav" for w in words))
    write_text(main / "testing_list.txt", *(f"{w}/0000000c_nohash_0.wav" for w in words))
    for noise in NOISES:
        write_audio(main / "_background_noise_" / f"{noise}.wav", 2.25)
    write_text(main / "_background_noise_" / "README.md", "noises")
    for label in (*SPEECH_COMMANDS, "_silence_", "_unknown_"):
        write_audio(root / "speech_commands_test_set_v0.02" / label / "0000000c_nohash_0.wav")
    return main


def write_mswc(root: Path) -> Path:
    """Three words with two clips in each split."""
    folder = root / "mswc_microset" / "en"
    for split in ("train", "dev", "test"):
        rows = []
        for word in ("down", "left", "zero"):
            for place in range(2):
                link = f"{word}/common_voice_en_{split}{place}__2.opus"
                write_audio(folder / "clips" / link, 0.1, 48_000)
                speaker, gender = ("NA", "NAN") if place else ("5f" * 64, "MALE")
                rows.append(f"{link},{word},{place == 0},{speaker},{gender}")
        write_text(folder / f"en_{split}.csv", "LINK,WORD,VALID,SPEAKER,GENDER", *rows)
    return folder


def write_vocalsound(root: Path) -> Path:
    """Three speakers, one in each split, with one recording of each sound."""
    rows = (f'{place},{mid},"{name}"' for place, (mid, name) in enumerate(MIDS.items()))
    write_text(root / "class_labels_indices_vs.csv", "\ufeffindex,mid,display_name", *rows)
    for split, speaker in (("tr", "f0003"), ("val", "m0004"), ("te", "f0005")):
        data = []
        for mid, name in MIDS.items():
            file = f"{speaker}_0_{name.replace(' ', '').lower()}.wav"
            write_audio(root / "audio_16k" / file)
            data.append({"wav": f"/home/author/vocalsound/data_44k/{file}", "labels": mid})
        write_text(root / "datafiles" / f"{split}.json", json.dumps({"data": data}))
    return root


def write_archive(path: Path, members: Iterable[str], rate_hz: int = 16_000) -> Path:
    """A .tgz of WAV files and of a README."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for place, name in enumerate((*members, "x/etc/README")):
            wav = encode(".wav", 0.01 + place / 100, rate_hz)
            info = tarfile.TarInfo(name)
            info.size = len(wav)
            tar.addfile(info, io.BytesIO(wav))
    return path


def write_voxforge(root: Path, speaker_count: int = 10) -> Path:
    """Archives of two recordings, by as many speakers in each language."""
    for language in LANGUAGES:
        for number in range(speaker_count):
            name = f"{language}{number}-20100203-abc"
            members = [f"{name}/wav/a{place}.wav" for place in range(2)]
            write_archive(root / language / TREE / f"{name}.tgz", members)
    return root


def write_fluent_speech_commands(root: Path) -> Path:
    """One speaker in each split, with one recording of each action."""
    folder = root / "fluent_speech_commands_dataset"
    for split in ("train", "valid", "test"):
        rows = []
        for place, action in enumerate(ACTIONS):
            path = f"wavs/speakers/{split}X/{place}0bbb76a-52c2.wav"
            write_audio(folder / path)
            rows.append(f'{place},{path},{split}X,"Louder, please",{action},volume,none')
        header = ",path,speakerId,transcription,action,object,location"
        write_text(folder / "data" / f"{split}_data.csv", header, *rows)
    return folder


def write_audioset(root: Path) -> Path:
    """Three train and two test segments; the audio of the third is not there."""
    write_text(
        root / "class_labels_indices.csv",
        "index,mid,display_name",
        '0,/m/09x0r,"Speech"',
        '1,/m/05zppz,"Male speech, man speaking"',
        '2,/m/01b_21,"Cough"',
    )
    comments = ("# Segments csv created", "# num_ytids=3, num_segs=3", "# YTID, start_seconds")
    write_text(
        root / "balanced_train_segments.csv",
        *comments,
        '--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/m/05zppz"',
        'YaQ0uxWZ1H4, 0.000, 10.000, "/m/01b_21"',
        '-gone-gone-, 0.000, 10.000, "/m/01b_21"',
    )
    write_text(
        root / "eval_segments.csv",
        *comments,
        '-0RWZT_miFs, 420.000, 430.000, "/m/09x0r"',
        '0123456789_, 10.000, 20.000, "/m/01b_21,/m/09x0r"',
    )
    write_audio(root / "audio" / "--PJHxphWEs_30.000_40.000.wav")
    write_audio(root / "audio" / "balanced" / "YYaQ0uxWZ1H4.wav")
    write_audio(root / "audio" / "eval" / "-0RWZT_miFs_420000_430000.flac")
    write_audio(root / "audio" / "eval" / "0123456789_.FLAC")
    return root
