"""The audio files below a folder, by their endings."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

AUDIO_SUFFIXES = (
    *(".3ga", ".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".awb"),
    *(".caf", ".dsf", ".flac", ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mp4", ".oga", ".ogg"),
    *(".opus", ".rf64", ".snd", ".tta", ".voc", ".w64", ".wav", ".wave", ".weba", ".webm", ".wma"),
    ".wv",
)
"""Endings of what people record and keep, all of which is decoded."""


@dataclass(frozen=True, slots=True)
class FoundAudio:
    """What a folder holds."""

    files: tuple[Path, ...]
    """The audio files, sorted."""
    others: Mapping[str, int]
    """Ending ("" for none) to the number of other files with it; hidden files do not count."""


def audio_below(folder: Path) -> FoundAudio:
    """Search a folder and its subfolders, but not hidden ones such as ".git".

    Hidden files do not count as audio, whatever their ending: on disks of other systems, macOS puts
    a "._a.wav" beside an "a.wav".
    """
    visible = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    is_audio = {path: path.suffix.lower() in AUDIO_SUFFIXES for path in visible}
    return FoundAudio(
        tuple(path for path in visible if is_audio[path]),
        Counter(path.suffix.lower() for path in visible if not is_audio[path]),
    )
