"""What a data set is, and what is wrong with one that cannot be used."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aloe.client.types import Split
from aloe.wire.names import ID_PATTERN

_ID_MAX_LENGTH = 128
_HASH_LENGTH = 12


SINGLE_TASK = "label"
"""The task of a data set that has one label per recording."""


class DatasetError(Exception):
    """A data set that cannot be used: one line that says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One audio file and the truth about it."""

    clip_id: str
    path: Path
    split: Split
    labels: Mapping[str, str]
    """Task name to class."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Recordings and the tasks they are labeled for.

    Raises:
        DatasetError: there is nothing to tell apart, to learn from or to measure on.
    """

    name: str
    recordings: tuple[Recording, ...]
    tasks: Mapping[str, tuple[str, ...]]
    """Task name to classes, in their official order."""

    def __post_init__(self) -> None:
        if not self.recordings:
            raise DatasetError(f"{self.name} holds no recordings: check that the path is right")
        for task, classes in self.tasks.items():
            self._check_task(task, classes)

    def _check_task(self, task: str, classes: tuple[str, ...]) -> None:
        if len(classes) < 2:
            raise DatasetError(
                f"{self.name} has one class for the task {task!r}, {classes[0]!r}: it takes two"
            )
        seen = {(r.split, r.labels[task]) for r in self.recordings}
        for name in classes:
            if (Split.TRAIN, name) not in seen:
                raise DatasetError(
                    f"{self.name} has no train recording of the class {name!r}: add one, or drop"
                    " the class"
                )
        if all(split is not Split.TEST for split, _ in seen):
            raise DatasetError(
                f"{self.name} has no test recordings to measure accuracy on: mark some as test"
            )


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
