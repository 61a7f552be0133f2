"""The audio files below a folder, by their endings."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

AUDIO_SUFFIXES = (
    *(".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus"),
    *(".rf64", ".snd", ".w64", ".wav", ".wave"),
)
"""Endings of the files that the embedding service decodes."""


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
