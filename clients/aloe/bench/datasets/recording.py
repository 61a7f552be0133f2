"""One recording of a data set: a file, a part of one, or a member of an archive."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aloe.bench.datasets.archives import read_member
from aloe.bench.datasets.audio import cut
from aloe.client.types import Split
from aloe.wire.names import ID_PATTERN

_ID_MAX_LENGTH = 128
_HASH_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Recording:
    """One clip and the truth about it."""

    clip_id: str
    path: Path
    """The audio file, or the archive that holds it."""
    split: Split
    labels: Mapping[str, str] = field(default_factory=dict)
    """Task name to class."""
    label_sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Multi-label task name to classes."""
    speaker: str = ""
    """Empty where the data set does not tell."""
    member: str = ""
    """The audio file within the archive; empty where `path` is the audio file itself."""
    start_s: float = 0.0
    end_s: float | None = None
    """None is the end of the file."""

    @property
    def is_whole_file(self) -> bool:
        """Whether the clip is all of the file at `path`."""
        return not self.member and not self.start_s and self.end_s is None

    @property
    def uri(self) -> str:
        """The file's URI; empty for a part of a file, which no URI leads to."""
        return self.path.resolve().as_uri() if self.is_whole_file else ""

    def audio(self) -> Path | bytes:
        """Return the clip as NewClip.audio takes it: a whole file's path, else encoded bytes.

        The same file gives the same bytes every time.

        Raises:
            DatasetError: an archive or a file cannot be read, or the clip starts past its end.
        """
        content = read_member(self.path, self.member) if self.member else self.path
        if not self.start_s and self.end_s is None:
            return content
        return cut(content, self.start_s, self.end_s, name=str(self.path / self.member))


def clip_id_of(relative_path: str) -> str:
    """Make a readable clip id of a path: "yes/1.wav" becomes "yes~1.wav".

    Where that would be no id or not unique (other characters, a '~' of the path's own, too long),
    the rest is replaced by '_' and the path's hash is appended.
    """
    readable = re.sub(r"[^A-Za-z0-9_.~-]", "_", relative_path.replace("/", "~"))
    if readable.replace("~", "/") == relative_path and ID_PATTERN.fullmatch(readable):
        return readable
    digest = hashlib.sha256(relative_path.encode("utf-8", "surrogateescape")).hexdigest()
    start = re.sub(r"^[^A-Za-z0-9_]", "_", readable)[: _ID_MAX_LENGTH - _HASH_LENGTH - 1]
    return f"{start}-{digest[:_HASH_LENGTH]}"


def segment_id_of(relative_path: str, start_s: float, end_s: float | None) -> str:
    """Make a clip id of a part of a file, which is told by its hash from any other part.

    A part that is the whole file, from 0 to None, has the file's id.
    """
    if not start_s and end_s is None:
        return clip_id_of(relative_path)
    # As in a media fragment URI of the W3C.
    return clip_id_of(f"{relative_path}#t={start_s},{'' if end_s is None else end_s}")
