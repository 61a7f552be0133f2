"""Clips of a pool that are windows of recordings, and tables of what is known of them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from aloe.cli.console import CommandError, are, counted, notes, progress
from aloe.cli.counted_labels import all_labels
from aloe.cli.sound_events import EventTables
from aloe.cli.window_tables import WindowTables
from aloe.client import (
    ClipState,
    LabelSet,
    LearnerClient,
    PoolPredictions,
    PoolRecording,
    Unmentioned,
)
from aloe.client.types import Float32Array
from aloe.windows import Window

_PATIENCE = timedelta(minutes=2)
_LABELED = ClipState.LABELED, ClipState.VALIDATION, ClipState.TEST


@dataclass(frozen=True, slots=True)
class PoolWindows:
    """The windows of recordings that a pool has."""

    places: dict[str, tuple[str, float, float]]
    """Recording, begin and end in seconds, by clip."""
    recordings: dict[str, PoolRecording]
    other_count: int
    """Clips that are no windows."""
    gone_count: int
    """Windows of recordings that were deleted."""
    _shared_uris: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Find the files that are several recordings."""
        counts = Counter(each.uri for each in self.recordings.values())
        shared = frozenset(uri for uri, count in counts.items() if count > 1)
        object.__setattr__(self, "_shared_uris", shared)

    def path(self, recording_id: str) -> str:
        """Return what a recording is called in tables: where it lies, if that is of no other."""
        uri = self.recordings[recording_id].uri
        return recording_id if not uri or uri in self._shared_uris else uri

    def length_s(self, recording_id: str, last_end_s: float) -> float:
        """Return how long a recording is, as far as that is known."""
        recording = self.recordings[recording_id]
        known = recording.duration or recording.decoded
        return max(known.total_seconds(), last_end_s)

    def rate_hz(self, recording_id: str) -> int:
        """Return a recording's rate."""
        return self.recordings[recording_id].report.sample_rate_hz

    def tell_others(self) -> None:
        """Say how many clips are left out, if any."""
        if self.other_count:
            notes.print(
                f"left out: {counted(self.other_count, 'clip')} that"
                f" {are(self.other_count)} no window of a recording"
            )
        if self.gone_count:
            notes.print(f"left out: {counted(self.gone_count, 'window')} of deleted recordings")


def pool_windows(learner: LearnerClient, pool_id: str, where: str = "") -> PoolWindows:
    """Read the windows that a pool has. Raises CommandError where there are none."""
    places: dict[str, tuple[str, float, float]] = {}
    others = 0
    for clip in learner.list_clips(pool_id, where, timeout=_PATIENCE):
        if clip.start_s is None or clip.end_s is None:
            others += 1
        else:
            places[clip.clip_id] = clip.recording_id, clip.start_s, clip.end_s
    if not places:
        raise CommandError(
            f"pool {pool_id} has no windows of recordings among these clips: aloe import --window"
            " makes some"
        )
    recordings = {each.recording_id: each for each in learner.list_recordings(pool_id)}
    # Deleted since, or by a call that ended half-way.
    gone = [each for each, (recording_id, *_) in places.items() if recording_id not in recordings]
    for clip_id in gone:
        del places[clip_id]
    return PoolWindows(places, recordings, others, len(gone))


PLACE_KINDS = {"recording": str, "start_s": float, "end_s": float}
"""Columns that say in which recording, by its id, a window lies, and where."""
PlaceCells = tuple[str | None, float | None, float | None]
PlacesOfClips = Callable[[str], PlaceCells]
"""Gives a clip's cells of PLACE_KINDS, by its id."""


def place_cells_of(learner: LearnerClient, pool_id: str, where: str = "") -> PlacesOfClips | None:
    """Return where the clips of a pool lie; None of one without recordings."""
    if next(iter(learner.list_recordings(pool_id)), None) is None:
        return None
    places: dict[str, PlaceCells] = {
        clip.clip_id: (clip.recording_id, clip.start_s, clip.end_s)
        for clip in learner.list_clips(pool_id, where, timeout=_PATIENCE)
        if clip.recording_id
    }
    return lambda clip_id: places.get(clip_id, (None, None, None))


@dataclass(slots=True)
class _Track:
    """What is made of the windows of a recording."""

    spans_s: list[tuple[float, float]] = field(default_factory=list)
    probabilities: list[Float32Array] = field(default_factory=list)


def write_pool_events(
    learner: LearnerClient, task_id: str, events: EventTables, *, head: str, where: str
) -> None:
    """Write the events of the recordings of a task's pool.

    A window that has a label is of that class for sure.

    Raises:
        CommandError: there are no windows, or their events cannot be written so.
    """
    task = learner.get_task(task_id)
    windows = pool_windows(learner, task.pool_id, where)
    recording_ids = sorted({each for each, _, _ in windows.places.values()})
    events.tables.begin([windows.path(each) for each in recording_ids])
    tracks = {each: _Track() for each in recording_ids}
    classes: tuple[str, ...] = ()
    head_version = 0
    with progress() as bar:
        row = bar.add_task("predicting", total=None)
        for block in learner.predict_pool(task_id, head=head, filter=where):
            classes, head_version = block.classes, block.head_version
            _take(block, windows, tracks, task.unmentioned)
            bar.update(row, total=block.clip_count, advance=len(block.clip_ids))
    for recording_id, track in tracks.items():
        if track.spans_s:
            events.add(
                windows.path(recording_id),
                np.array(track.spans_s, np.float64),
                np.stack(track.probabilities),
                classes,
                length_s=windows.length_s(recording_id, max(end for _, end in track.spans_s)),
                sample_rate_hz=windows.rate_hz(recording_id),
            )
    events.finish()
    windows.tell_others()
    notes.print(
        f"head {head_version} on {counted(len(windows.places), 'window')} of"
        f" {counted(len(recording_ids), 'recording')}, {counted(events.tables.count, 'event')}"
        f"{f' in {events.tables.to}' if events.tables.to else ''}"
    )


def _take(
    block: PoolPredictions,
    windows: PoolWindows,
    tracks: dict[str, _Track],
    unmentioned: Unmentioned,
) -> None:
    known = _with_sets(block, unmentioned) if block.known_labels else _with_labels(block)
    for clip_id, probabilities in zip(block.clip_ids, known, strict=True):
        place = windows.places.get(clip_id)
        if place is not None:
            recording_id, start_s, end_s = place
            tracks[recording_id].spans_s.append((start_s, end_s))
            tracks[recording_id].probabilities.append(probabilities)


def _with_labels(block: PoolPredictions) -> Float32Array:
    """Return the probabilities, those of labeled clips as their labels say."""
    columns = {name: column for column, name in enumerate(block.classes)}
    known = np.array(block.probabilities)
    for row in np.flatnonzero(block.label_indices >= 0).tolist():
        column = columns.get(block.label_classes[block.label_indices[row]])
        if column is not None:  # Else its class is retired.
            known[row] = 0.0
            known[row, column] = 1.0
    return known


def _with_sets(block: PoolPredictions, unmentioned: Unmentioned) -> Float32Array:
    """Do the same of several labels a clip, of each class as far as it is known."""
    known = np.array(block.probabilities)
    for row, (state, labels) in enumerate(zip(block.states, block.known_labels, strict=True)):
        if state not in _LABELED:
            continue
        for column, name in enumerate(block.classes):
            if name in labels.positive:
                known[row, column] = 1.0
            elif name in labels.negative or (
                unmentioned is Unmentioned.NEGATIVE and name not in labels.unknown
            ):
                known[row, column] = 0.0
    return known


def write_pool_labels(
    learner: LearnerClient, task_id: str, tables: WindowTables, where: str
) -> None:
    """Write the labels of the windows of a task's pool, as tables of these.

    Raises:
        CommandError: there are no windows, or their labels cannot be written so.
    """
    windows = pool_windows(learner, learner.get_task(task_id).pool_id, where)
    found: dict[str, list[Window]] = {}
    abstained = empty = 0
    for label in all_labels(learner, task_id, where):
        place = windows.places.get(label.clip_id)
        if place is None:
            continue
        if label.label is None:
            abstained += 1
            continue
        recording_id, start_s, end_s = place
        names = label.label.positive if isinstance(label.label, LabelSet) else (label.label,)
        empty += not names
        for name in names:
            window = Window(windows.path(recording_id), start_s, end_s, name)
            found.setdefault(recording_id, []).append(window)
    tables.begin([windows.path(each) for each in found])
    for recording_id, labeled in found.items():
        labeled.sort(key=lambda window: (window.start_s, window.end_s))
        tables.add(
            windows.path(recording_id),
            labeled,
            length_s=windows.length_s(recording_id, max(each.end_s for each in labeled)),
            sample_rate_hz=windows.rate_hz(recording_id),
        )
    tables.finish()
    windows.tell_others()
    if abstained:
        notes.print(f"left out: {counted(abstained, 'window')} that nobody could tell")
    if empty:
        notes.print(f"left out: {counted(empty, 'window')} of no class")
    notes.print(
        f"{counted(tables.count, 'label')} of windows of {counted(len(found), 'recording')}"
    )
