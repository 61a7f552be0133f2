"""One clip of a data set: a file, a window of one, or a file in an archive."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aloe.bench.datasets.archives import read_member
from aloe.bench.datasets.audio import cut
from aloe.bench.datasets.errors import DatasetError
from aloe.client.types import Label, LabelSet, Split
from aloe.wire.names import ID_PATTERN

_ID_MAX_LENGTH = 128
_HASH_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Recording:
    """One clip, its split and its true classes."""

    clip_id: str
    path: Path
    """The audio file, or the archive or file of embeddings that holds the clip."""
    split: Split
    labels: Mapping[str, str] = field(default_factory=dict)
    """Task name to class."""
    label_sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Multi-label task name to classes."""
    speaker: str = ""
    """Empty if the data set does not say."""
    member: str = ""
    """The audio file within the archive; empty where `path` is the audio file itself."""
    start_s: float = 0.0
    end_s: float | None = None
    """None is the end of the file."""
    row: int | None = None
    """Of the clip in a file of embeddings, where there is no audio."""

    def label(self, task: str) -> Label:
        """Return its true class in a task, or of several labels a clip all of them."""
        if task in self.label_sets:
            return LabelSet(self.label_sets[task])
        return self.labels[task]

    @property
    def is_whole_file(self) -> bool:
        """Whether the clip is all of the file at `path`."""
        is_part = self.member or self.start_s or self.end_s is not None or self.row is not None
        return not is_part

    @property
    def uri(self) -> str:
        """The file's URI; empty for a window or a file in an archive, which have none."""
        return self.path.resolve().as_uri() if self.is_whole_file else ""

    def audio(self) -> Path | bytes:
        """Return the clip as NewClip.audio takes it: a whole file's path, else encoded bytes.

        The same file gives the same bytes every time.

        Raises:
            DatasetError: the archive or file cannot be read, or ends before the clip starts, or
                there is only an embedding.
        """
        if self.row is not None:
            raise DatasetError(f"{self.path} holds embeddings: there is no audio to hear")
        content = read_member(self.path, self.member) if self.member else self.path
        if not self.start_s and self.end_s is None:
            return content
        return cut(content, self.start_s, self.end_s, name=str(self.path / self.member))


def truth_of(task: str, label: Label) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return the labels and the label sets of a recording that has one task."""
    if isinstance(label, LabelSet):
        return {}, {task: label.positive}
    return {task: label}, {}


def clip_id_of(relative_path: str) -> str:
    """Make a readable clip id of a path: "yes/1.wav" becomes "yes~1.wav".

    If that is not a valid id or may not be unique (other characters, a '~' in the path, too long),
    what an id may not hold becomes '_', and a hash of the path is appended.
    """
    readable = re.sub(r"[^A-Za-z0-9_.~-]", "_", relative_path.replace("/", "~"))
    if readable.replace("~", "/") == relative_path and ID_PATTERN.fullmatch(readable):
        return readable
    digest = hashlib.sha256(relative_path.encode("utf-8", "surrogateescape")).hexdigest()
    start = re.sub(r"^[^A-Za-z0-9_]", "_", readable)[: _ID_MAX_LENGTH - _HASH_LENGTH - 1]
    return f"{start}-{digest[:_HASH_LENGTH]}"


def segment_id_of(relative_path: str, start_s: float, end_s: float | None) -> str:
    """Make the clip id of a window of a file; a hash in it tells it from the file's other windows.

    The window from 0 to None is the whole file, and has the file's id.
    """
    if not start_s and end_s is None:
        return clip_id_of(relative_path)
    # Written like a W3C media fragment URI.
    return clip_id_of(f"{relative_path}#t={start_s},{'' if end_s is None else end_s}")
