"""`aloe pool restore`: imports what a dump holds; what is there already is skipped."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from aloe.cli.backup.classes import retired_of
from aloe.cli.backup.contents import Backup, open_backup
from aloe.cli.backup.heads import restore_heads
from aloe.cli.console import CommandError, counted
from aloe.cli.counted_labels import count_labels
from aloe.client import DuplicateRule, KnownLabel, LearnerClient, NewClip, NotFound, Pool

_PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore."""

    pool: Pool
    tasks: dict[str, str]
    """Id in the dump to id now, which is another where a task of another pool has that."""
    clip_count: int
    """Clips in the file."""
    existing_count: int
    """Those that the pool had already."""
    audio_count: int
    """Those that came with their recording."""
    window_count: int
    """Clips in the file that are windows of recordings, whose audio no file has."""
    unheard_recordings: dict[str, str]
    """Why their windows cannot be heard, by id; of a pool that keeps audio, which has none of
    theirs: the others are read where they lie."""
    recording_count: int
    """Recordings in the file."""
    head_count: int
    """Those that are there, of the heads that were promoted."""
    refused_heads: list[str]
    """Why others are not."""
    holds_heads: bool
    """Whether the file says which heads were promoted; those of older versions do not."""
    is_sealed: bool
    """Whether the file says that it is as it was written; those of older versions do not."""

    @property
    def keeps_audio(self) -> bool:
        """Whether the pool keeps audio."""
        return self.pool.keep_audio


def restore_pool(
    learner: LearnerClient,
    pool_id: str | None,
    file: Path,
    on_progress: Callable[[int], None],
    *,
    with_audio: bool = True,
) -> Restored:
    """Make a pool and its tasks anew.

    What is there already is skipped, so a broken restore can be run again. Each recording is kept
    if it has the hash of its clip. A task whose id a task of another pool has, gets the pool's id
    in front of its own.

    Raises:
        CommandError: the file is no dump, or damaged; nothing was restored.
    """
    backup = open_backup(file)
    pool = learner.create_pool(**{**backup.pool, "pool_id": pool_id or backup.pool["pool_id"]})
    # Before its clips: there may be more of them by now than a task may begin with.
    tasks = _create_tasks(learner, pool, backup)
    clips = _Clips(backup, with_audio=with_audio)
    summary = learner.import_clips(
        pool.pool_id,
        clips,
        # What was one clip stays one, and what was two clips of one content stays two.
        duplicates=DuplicateRule.KEEP,
        recordings=backup.recordings,
        on_progress=on_progress,
        timeout=_PATIENCE,
    )
    if summary.failures:
        first = summary.failures[0]
        raise CommandError(
            f"refused: {counted(len(summary.failures), 'clip')}; {first.clip_id}:"
            f" {first.message}. Run this again once that is mended;"
            " --without-audio leaves the recordings out"
        )
    refused: list[str] = []
    for task in backup.tasks:
        # Before the labels, of which others are trained under later versions.
        refused += restore_heads(learner, tasks[task.task_id], task.heads)
        _restore_labels(learner, tasks[task.task_id], backup.labels(task.task_id))
        # After the labels: of a class that is retired, none are taken any more.
        for change in task.changes:
            learner.change_classes(tasks[task.task_id], change)
    restored = learner.get_pool(pool.pool_id)
    if restored.clip_count < backup.clip_count:
        raise CommandError(
            f"pool {pool.pool_id} has {restored.clip_count:,} clips after the restore, and {file}"
            f" {backup.clip_count:,}: run this again"
        )
    return Restored(
        restored,
        tasks,
        backup.clip_count,
        summary.existing_count,
        clips.audio_count,
        clips.window_count,
        _unheard(learner, pool, clips.first_windows) if pool.keep_audio and with_audio else {},
        len(backup.recordings),
        sum(len(task.heads.heads) for task in backup.tasks) - len(refused),
        refused,
        backup.holds_heads,
        backup.is_sealed,
    )


class _Clips:
    """The clips of a backup, read as they are needed; counts those with a recording."""

    def __init__(self, backup: Backup, *, with_audio: bool) -> None:
        self._backup, self._with_audio = backup, with_audio
        self.audio_count = self.window_count = 0
        self.first_windows: dict[str, str] = {}
        """Of each recording, by its id."""

    def __iter__(self) -> Iterator[NewClip]:
        for clip in self._backup.clips(with_audio=self._with_audio):
            self.audio_count += clip.audio is not None
            if clip.recording_id:
                self.window_count += 1
                self.first_windows.setdefault(clip.recording_id, clip.clip_id)
            yield clip


def _unheard(learner: LearnerClient, pool: Pool, windows: Mapping[str, str]) -> dict[str, str]:
    """Listen to a window of each recording; return why some cannot be heard, by recording."""
    unheard = {}
    for recording_id, clip_id in windows.items():
        try:
            learner.get_clip_audio(pool.pool_id, clip_id, timeout=_PATIENCE)
        except NotFound as error:
            unheard[recording_id] = str(error)
    return unheard


def _create_tasks(learner: LearnerClient, pool: Pool, backup: Backup) -> dict[str, str]:
    """Create the tasks of a backup; return their ids, by those that they have there."""
    pools = {task.task_id: task.pool_id for task in learner.list_tasks()}
    tasks = {}
    for task in backup.tasks:
        is_elsewhere = pools.get(task.task_id, pool.pool_id) != pool.pool_id
        task_id = f"{pool.pool_id}-{task.task_id}" if is_elsewhere else task.task_id
        tasks[task.task_id] = task_id
        learner.create_task(task_id, pool.pool_id, task.classes, **task.settings)
    return tasks


def _restore_labels(learner: LearnerClient, task_id: str, labels: list[KnownLabel]) -> None:
    # Those of a class that is retired were restored before that was.
    retired = retired_of(learner.get_task(task_id).class_details)
    new = [each for each in labels if each.label not in retired]
    if new:
        learner.import_labels(task_id, new, timeout=_PATIENCE)
    label_count = count_labels(learner, task_id)
    if label_count < len(labels):
        raise CommandError(
            f"task {task_id} counts {label_count:,} labels after the restore, and the file has"
            f" {len(labels):,}: run this again"
        )
