"""`aloe predict TASK night.flac --window 5s`: what a head makes of the windows of recordings."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from math import inf
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray
from rich.progress import TaskID

from aloe.audio.cutting.cutter import cut
from aloe.audio.cutting.grid import Grid, GridPlan
from aloe.audio.cutting.spans import BadCut, Window
from aloe.audio.decoder import Limits
from aloe.audio.errors import BadAudio
from aloe.audio.isolation import IsolatedDecoder, NoDecoder
from aloe.cli.clips import tell_warnings
from aloe.cli.console import (
    CommandError,
    complain,
    counted,
    in_flags,
    notes,
    progress,
    reason_of,
)
from aloe.cli.pool_windows import PLACE_KINDS
from aloe.cli.prediction_tables import PredictionRows, Write, writer_of
from aloe.cli.sound_events import EventTables
from aloe.client import Decoding, LearnerClient, Pcm, Predictions
from aloe.client.types import Float32Array

_PATIENCE = timedelta(minutes=2)
_BATCH_COUNT = 64
_ANY_LENGTH = Limits(inf)
_KINDS = PLACE_KINDS | {"predicted": str, "probability": float}


@dataclass(frozen=True, slots=True)
class WindowsAsked:
    """How recordings are cut and read, and what predicts for them."""

    window_s: Fraction
    hop_s: Fraction | None
    decoding: Decoding
    head: str
    """Empty for the newest."""


@dataclass(frozen=True, slots=True)
class _Predicted:
    """What a head makes of some windows of a recording."""

    recording: str
    spans_s: NDArray[np.float64]
    """(n_windows, 2) begin and end, in seconds"""
    labels: tuple[str, ...]
    """Of several labels a clip, those of each window in one text."""
    probabilities: Float32Array
    """(n_windows, n_classes)"""
    classes: tuple[str, ...]

    def rows(self) -> PredictionRows:
        """Return them as rows of a table."""
        cells = [
            (self.recording, begin, end, label, probability)
            for (begin, end), label, probability in zip(
                self.spans_s.tolist(),
                self.labels,
                self.probabilities.max(axis=1).tolist(),
                strict=True,
            )
        ]
        return PredictionRows(_KINDS, cells, self.classes, self.probabilities)


@dataclass(slots=True)
class WindowPredictor:
    """Predicts for the windows of recordings, all with one head."""

    learner: LearnerClient
    task_id: str
    asked: WindowsAsked
    decoder: IsolatedDecoder
    window_count: int = 0
    head_version: int = 0
    trouble_count: int = 0
    """Windows without a prediction, and recordings that could not be read to their end."""
    length_s: float = 0.0
    """Of the recording that was read last."""
    sample_rate_hz: int = 0
    _head: str = field(default="", init=False)

    def predict(
        self, path: Path, on_progress: Callable[[int, int | None], None]
    ) -> Iterator[_Predicted]:
        """Yield what is made of a recording's windows, some dozens at a time.

        What is wrong with it is told, and ends it; what came before stands.

        Args:
            path: of the recording.
            on_progress: told how many of its windows are done, and of how many, if that is known.
        """
        done_count = 0
        try:
            with self.decoder.stream(path, self.asked.decoding, _ANY_LENGTH) as stream:
                self.sample_rate_hz, self.length_s = stream.sample_rate_hz, 0.0
                grid = Grid.of(stream.sample_rate_hz, self.asked.window_s, self.asked.hop_s)
                promised = stream.promised_frame_count
                total = None if promised is None else grid.count(promised)
                for windows in _batches(cut(stream.blocks(), GridPlan(grid))):
                    yield from self._predict(path, windows)
                    done_count += len(windows)
                    on_progress(done_count, total)
                self.length_s = stream.frame_count / stream.sample_rate_hz
                tell_warnings([(str(path), stream.report.warnings)])
        except BadCut as error:
            raise CommandError(f"{path}: {error.description}") from error
        except NoDecoder as error:
            raise CommandError(str(error)) from error
        except (BadAudio, OSError) as error:
            self.trouble_count += 1
            complain(f"{path}: {in_flags(str(error))}")
            if done_count:
                complain(
                    f"{path}: what came before, {counted(done_count, 'window')}, is predicted for"
                )

    def _predict(self, path: Path, windows: Sequence[Window]) -> Iterator[_Predicted]:
        rate_hz = self.sample_rate_hz
        found = self.learner.predict(
            self.task_id,
            audio=[Pcm(window.samples, rate_hz) for window in windows],
            head=self._head or self.asked.head,
            timeout=_PATIENCE,
        )
        heard = [place for place, label in enumerate(found.labels) if label is not None]
        if heard:  # All windows are to be of one head, also where a newer one comes meanwhile.
            self.head_version = found.head_versions[heard[0]]
            self._head = str(self.head_version)
        self._tell_failures(path, windows, found)
        self.window_count += len(heard)
        spans = np.array([[each.span.first, each.span.end] for each in windows], np.float64)
        self.length_s = max(self.length_s, float(spans.max()) / rate_hz)
        if heard:
            yield _Predicted(
                str(path),
                spans[heard] / rate_hz,
                tuple(str(answer) for answer in found.answers if answer is not None),
                found.probabilities[heard],
                found.classes,
            )

    def _tell_failures(self, path: Path, windows: Sequence[Window], found: Predictions) -> None:
        for failure in found.failures:
            self.trouble_count += 1
            begin_s = windows[failure.index].span.first / self.sample_rate_hz
            complain(f"{path} at {begin_s:,.3f} s: {reason_of(failure)}")


def predict_windows(
    learner: LearnerClient,
    task_id: str,
    paths: Sequence[Path],
    asked: WindowsAsked,
    to: Path | None,
    events: EventTables | None,
    *,
    json: bool,
) -> None:
    """Write a row of each window of some recordings, or of each event if there are to be events.

    Raises:
        CommandError: the recordings cannot be cut so, or what was found cannot be written so.
        typer.Exit: something was wrong with a recording, and was told.
    """
    learner.get_task(task_id)
    with IsolatedDecoder() as decoder:
        predictor = WindowPredictor(learner, task_id, asked, decoder)
        if events is None:
            with writer_of(to, json=json) as write:
                _write_windows(predictor, paths, write)
        else:
            events.tables.begin(list(map(str, paths)))
            _write_events(predictor, paths, events)
    told = f"head {predictor.head_version} on {counted(predictor.window_count, 'window')}"
    found = "" if events is None else f", {counted(events.tables.count, 'event')}"
    notes.print(f"{told}{found}{f' in {to}' if to else ''}")
    if predictor.trouble_count:
        raise typer.Exit(1)


def _write_windows(predictor: WindowPredictor, paths: Sequence[Path], write: Write) -> None:
    for _, predicted in _of_all(predictor, paths):
        for each in predicted:
            write(each.rows())


def _write_events(predictor: WindowPredictor, paths: Sequence[Path], events: EventTables) -> None:
    for path, predicted in _of_all(predictor, paths):
        parts = list(predicted)
        if parts:
            events.add(
                str(path),
                np.concatenate([each.spans_s for each in parts]),
                np.concatenate([each.probabilities for each in parts]),
                parts[0].classes,
                length_s=predictor.length_s,
                sample_rate_hz=predictor.sample_rate_hz,
            )
    events.finish()


def _of_all(
    predictor: WindowPredictor, paths: Sequence[Path]
) -> Iterator[tuple[Path, Iterator[_Predicted]]]:
    """Yield each recording with what is made of it, to be taken before the next one."""
    with progress() as bar:
        for path in paths:
            row = bar.add_task(path.name, total=None)

            def show(done: int, total: int | None, row: TaskID = row) -> None:
                bar.update(row, completed=done, total=total)

            yield path, predictor.predict(path, show)
            bar.remove_task(row)


def _batches(windows: Iterable[Window]) -> Iterator[list[Window]]:
    """Yield windows some dozens at a time; those before a fault are yielded before it is raised."""
    batch: list[Window] = []
    fault: BadAudio | None = None
    try:
        for window in windows:
            batch.append(window)
            if len(batch) == _BATCH_COUNT:
                yield batch
                batch = []
    except BadAudio as error:
        fault = error
    if batch:
        yield batch
    if fault is not None:
        raise fault
