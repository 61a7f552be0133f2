"""Labels with their audio as a folder that Hugging Face's `datasets` reads by "audiofolder".

Of each split a folder with the sounds and a metadata.jsonl. `datasets` infers the types of its
columns split by split, and they must be the same in all: so texts are never null, numbers always
there, and what is known of a clip besides, which may be anything, is one text of JSON.
"""

import json
import mimetypes
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path, PurePath
from typing import Any, TextIO

from aloe.cli.console import CommandError, plain
from aloe.cli.counted_labels import all_labels
from aloe.client import Clip, ClipAudio, LabelSet, LearnerClient, NotFound, StoredLabel
from aloe.values.labels import SEPARATOR

METADATA = "metadata.jsonl"
_PATIENCE = timedelta(minutes=10)
_TOLD_COUNT = 20
_ENDINGS = {
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aiff": ".aiff",
    "audio/x-w64": ".w64",
    "audio/x-caf": ".caf",
}


@dataclass(slots=True)
class FolderWritten:
    """What became of labels."""

    count: int = 0
    """Labels in the folder."""
    abstained_count: int = 0
    retired_count: int = 0
    """Of classes that are retired; neither are in the folder."""
    silent: dict[str, str] = field(default_factory=dict)
    """Why clips have no sound, by id: the first ones."""
    silent_count: int = 0


def write_audio_folder(
    learner: LearnerClient,
    task_id: str,
    folder: Path,
    where: str,
    on_progress: Callable[[int], None],
) -> FolderWritten:
    """Write the labels of a task, with their sounds, into a new folder.

    Raises:
        CommandError: there is something in the folder, or there is nothing to write.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise CommandError(f"{folder} is there and not empty: give another --output, or remove it")
    pool_id = learner.get_task(task_id).pool_id
    written = FolderWritten()
    labels = [each for each in all_labels(learner, task_id, where) if _is_taken(each, written)]
    taken = {each.clip_id for each in labels}
    clips = {
        each.clip_id: each
        for each in learner.list_clips(pool_id, timeout=_PATIENCE)
        if each.clip_id in taken
    }
    # Clips that were deleted or renamed since have no label by that name any more.
    labels = [each for each in labels if each.clip_id in clips]
    are_windows = all(each.start_s is not None for each in clips.values())
    with _whole(folder) as partial, _tables(partial) as table_of:
        for place, label in enumerate(labels):
            on_progress(place)
            clip = clips[label.clip_id]
            audio = _audio_of(learner, pool_id, clip, written)
            if audio is not None:
                split = partial / label.split.value
                split.mkdir(exist_ok=True)
                name = _file_name(split, clip, audio)
                (split / name).write_bytes(audio.content)
                row = _row(name, label, clip, with_places=are_windows)
                table_of(label.split.value).write(json.dumps(row, ensure_ascii=False) + "\n")
                written.count += 1
        if not written.count:
            raise CommandError(_nothing(task_id, written))
    return written


def _is_taken(label: StoredLabel, written: FolderWritten) -> bool:
    written.abstained_count += label.label is None
    written.retired_count += label.is_retired
    return label.label is not None and not label.is_retired


def _audio_of(
    learner: LearnerClient, pool_id: str, clip: Clip, written: FolderWritten
) -> ClipAudio | None:
    """Return the sound of a clip; None, and noted, where there is none."""
    try:
        return learner.get_clip_audio(pool_id, clip.clip_id, timeout=_PATIENCE)
    except NotFound as error:
        if error.reason == "POOL_NOT_FOUND":
            raise
        written.silent_count += 1
        if len(written.silent) < _TOLD_COUNT:
            written.silent[clip.clip_id] = str(error)
        return None


def _file_name(folder: Path, clip: Clip, audio: ClipAudio) -> str:
    """Return a free name for a clip's file; ids are names of files but for their ending."""
    kind = audio.media_type
    ending = _ENDINGS.get(kind) or mimetypes.guess_extension(kind) or PurePath(clip.uri).suffix
    name = clip.clip_id
    if not ending or not name.lower().endswith(ending):
        name += ending or ".bin"
    while (folder / name).exists():  # "a" and "a.wav", or "A" and "a" where case does not count.
        name = f"_{name}"
    return name


def _row(name: str, label: StoredLabel, clip: Clip, *, with_places: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "file_name": name,
        "label": str(label.label),
        "clip_id": clip.clip_id,
        "oracle_id": label.oracle_id,
        # With as many digits in each: then it is of one type.
        "label_time": label.label_time.astimezone(UTC).isoformat(timespec="milliseconds"),
        "is_audit": label.is_audit,
        "uri": clip.uri,
    }
    if isinstance(label.label, LabelSet):  # In one text each, as in tables.
        row |= {
            "negative": SEPARATOR.join(label.label.negative),
            "unknown": SEPARATOR.join(label.label.unknown),
        }
    if with_places:
        row |= {"recording": clip.recording_id, "start_s": clip.start_s, "end_s": clip.end_s}
    attributes: Mapping[str, object] = plain(dict(clip.attributes))
    return row | {"attributes": json.dumps(attributes, ensure_ascii=False)}


def _nothing(task_id: str, written: FolderWritten) -> str:
    if written.silent:
        clip_id, why = next(iter(written.silent.items()))
        return f"no labeled clip of {task_id} has a sound; {clip_id}: {why}"
    return f"{task_id} has no labels to write"


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Name a folder that takes its name once it is whole."""
    folder = folder.resolve()
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        if folder.exists():
            folder.rmdir()  # It was empty.
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _tables(folder: Path) -> Iterator[Callable[[str], TextIO]]:
    """Yield what opens the metadata of a split, once."""
    files: dict[str, TextIO] = {}

    def table_of(split: str) -> TextIO:
        if split not in files:
            files[split] = (folder / split / METADATA).open("w", encoding="utf-8")
        return files[split]

    try:
        yield table_of
    finally:
        for file in files.values():
            file.close()
