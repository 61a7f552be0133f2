"""Predictions for any number of inputs, in calls that fit into messages."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeVar

import numpy as np

from aloe.client import types
from aloe.client.calls.translate import error_of_status, invalid_field
from aloe.client.errors import Aborted, AloeError, InvalidArgument
from aloe.client.operations.audio import encode_audio
from aloe.client.operations.chunks import AUDIO_BYTES, AUDIO_COUNT, Sized, group_sized
from aloe.client.operations.fields import clip_name, head_text, task_name, uint32
from aloe.client.operations.operation import Operation
from aloe.client.types.learning import predicted_sets
from aloe.v1 import audio_pb2, head_pb2
from aloe.wire.arrays import Float32Array, decode_matrix, encode_matrix
from aloe.wire.audio import read_warning

_MAX_ROW_COUNT = 4_096
_MAX_ROW_BYTES = 4_608
"""Of an answer: tasks have at most 1,000 classes, whose names have at most 128 characters."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PredictInputs(Generic[T]):
    """What to predict for, read as it is sent."""

    count: int
    sized: Callable[[int], tuple[T, int]]
    """Reads the input at a place; returns what is sent and its bytes. Raises InvalidArgument."""
    build: Callable[[Sequence[T]], dict[str, Any]]
    """Makes the field of a request."""
    name: Callable[[int], str]
    max_count: int = _MAX_ROW_COUNT


def audio_inputs(clips: Sequence[types.Audio], max_bytes: int) -> PredictInputs[audio_pb2.Audio]:
    """Take recordings; one that cannot be read, or is larger than `max_bytes`, fails alone."""

    def sized(place: int) -> tuple[audio_pb2.Audio, int]:
        message = encode_audio(clips[place], field="audio", max_bytes=max_bytes)
        return message, message.ByteSize()

    def name(place: int) -> str:
        clip = clips[place]
        clip = clip.audio if isinstance(clip, types.Recording) else clip
        return f"audio[{place}]" if isinstance(clip, bytes | types.Pcm) else str(clip)

    def build(messages: Sequence[audio_pb2.Audio]) -> dict[str, Any]:
        return {"audio": head_pb2.AudioClips(clips=messages)}

    return PredictInputs(len(clips), sized, build, name, AUDIO_COUNT)


def embedding_inputs(embeddings: types.Float32Array) -> PredictInputs[Float32Array]:
    """Take embeddings. Raises InvalidArgument where they are no matrix."""
    matrix = np.asarray(embeddings)
    if matrix.ndim != 2:
        raise invalid_field(
            "embeddings", f"must be (n_clips, embedding_dim), got shape {matrix.shape}"
        )
    row_bytes = 4 * matrix.shape[1]

    def build(rows: Sequence[Float32Array]) -> dict[str, Any]:
        return {"embeddings": encode_matrix(np.stack(rows) if rows else matrix)}

    return PredictInputs(
        len(matrix), lambda place: (matrix[place], row_bytes), build, "embeddings[{}]".format
    )


def clip_inputs(pool_id: str, clip_ids: Sequence[str]) -> PredictInputs[str]:
    """Take clips of a pool; an id that is none fails alone."""

    def sized(place: int) -> tuple[str, int]:
        name = clip_name(pool_id, clip_ids[place])
        return name, len(name) + 4

    def build(names: Sequence[str]) -> dict[str, Any]:
        return {"clips": head_pb2.ClipNames(names=names)}

    return PredictInputs(len(clip_ids), sized, build, lambda place: str(clip_ids[place]))


def check_one_input(*inputs: object) -> None:
    """Raises InvalidArgument unless exactly one of the inputs of predict is given."""
    given_count = sum(given is not None for given in inputs)
    if given_count != 1:
        raise invalid_field(
            "predict", f"takes one of audio, embeddings and clip_ids, got {given_count}"
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer of one call."""

    places: Sequence[int]
    probabilities: Float32Array
    labels: Sequence[str]
    classes: tuple[str, ...]
    head_version: int
    failures: Sequence[types.InputFailure]
    warnings: Sequence[types.InputWarnings]
    accepted: Sequence[bool]
    expected_error: float
    thresholds: Sequence[float]
    """None of one label a clip."""


class PredictRun:
    """A prediction in calls, one after the other, and what has come of it so far."""

    def __init__(
        self,
        task_id: str,
        inputs: PredictInputs[Any],
        *,
        min_head_version: int,
        head: int | str = "",
        max_expected_error: float | None,
        max_message_bytes: int,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        """Take inputs, any number of them; they are read as they are needed.

        Raises:
            InvalidArgument: `task_id` is no id, `min_head_version` no version, `head` neither.
        """
        self._task, self._inputs, self._on_progress = task_name(task_id), inputs, on_progress
        self._min_head_version = uint32("min_head_version", min_head_version)
        self._head = head_text(head)
        self._max_expected_error = max_expected_error
        # Of an answer, half a message is for the names of the classes and what was wrong.
        self._max_count = max(1, min(inputs.max_count, max_message_bytes // 2 // _MAX_ROW_BYTES))
        self._max_bytes = min(AUDIO_BYTES, max_message_bytes * 15 // 16)
        self._failures: list[types.InputFailure] = []
        self._answers: list[_Answer] = []

    def operations(self) -> Iterator[Operation[_Answer]]:
        """Yield the calls, reading inputs as they are needed."""
        chunks = group_sized(self._read(), max_count=self._max_count, max_bytes=self._max_bytes)
        for chunk in chunks:
            yield self._operation([each.place for each in chunk], [each.item for each in chunk])
        if not self._inputs.count:  # The server says what is missing.
            yield self._operation([], [])

    def add(self, answer: _Answer) -> None:
        """Take note of the answer to the next call.

        Raises:
            Aborted: the task has other classes than before.
        """
        if self._answers and answer.classes != self._answers[0].classes:
            raise Aborted(
                f"{self._task} was made anew meanwhile; predict again",
                code="ABORTED",
                reason="TASK_CHANGED",
            )
        self._answers.append(answer)
        self._failures += answer.failures
        if self._on_progress is not None:
            self._on_progress(answer.places[-1] + 1)

    def finish(self) -> types.Predictions:
        """Return what was predicted."""
        count = self._inputs.count
        classes = self._answers[0].classes if self._answers else ()
        probabilities = np.full((count, len(classes)), np.nan, np.float32)
        labels: list[str | None] = [None] * count
        head_versions = [0] * count
        for answer in self._answers:
            probabilities[list(answer.places)] = answer.probabilities
            for place, label in zip(answer.places, answer.labels, strict=True):
                labels[place], head_versions[place] = label or None, answer.head_version
        if self._on_progress is not None:
            self._on_progress(count)
        failures = tuple(sorted(self._failures, key=lambda each: each.index))
        warnings = tuple(chain.from_iterable(each.warnings for each in self._answers))
        return types.Predictions(
            probabilities,
            tuple(labels),
            classes,
            tuple(head_versions),
            failures,
            warnings,
            *self._accepted(),
            self._label_sets(labels),
        )

    def _label_sets(self, labels: Sequence[str | None]) -> tuple[types.LabelSet | None, ...] | None:
        """Return what each input is predicted to be of; None where that is one class."""
        if not any(answer.thresholds for answer in self._answers):
            return None
        found: list[types.LabelSet | None] = [None] * len(labels)
        for answer in self._answers:
            sets = predicted_sets(answer.probabilities, answer.classes, answer.thresholds)
            for place, each in zip(answer.places, sets, strict=True):
                found[place] = each if labels[place] is not None else None
        return tuple(found)

    def _accepted(self) -> tuple[tuple[bool, ...] | None, float | None]:
        """Return what is accepted, and which part of that is expected to be wrong."""
        if self._max_expected_error is None:
            return None, None
        accepted = [False] * self._inputs.count
        count, wrong = 0, 0.0
        for answer in self._answers:
            for place, is_accepted in zip(answer.places, answer.accepted, strict=True):
                accepted[place] = is_accepted
            count += sum(answer.accepted)
            wrong += sum(answer.accepted) * answer.expected_error
        return tuple(accepted), wrong / count if count else None

    def _read(self) -> Iterator[Sized[Any]]:
        for place in range(self._inputs.count):
            try:
                item, byte_count = self._inputs.sized(place)
            except InvalidArgument as error:
                self._failures.append(self._failure(place, error))
            else:
                yield Sized(place, item, byte_count)

    def _operation(self, places: Sequence[int], items: Sequence[Any]) -> Operation[_Answer]:
        request = head_pb2.PredictRequest(
            task=self._task,
            min_head_version=self._min_head_version,
            head=self._head,
            max_expected_error=self._max_expected_error,
            **self._inputs.build(items),
        )
        return Operation("Predict", request, lambda response: self._parse(places, response))

    def _parse(self, places: Sequence[int], response: head_pb2.PredictResponse) -> _Answer:
        probabilities = decode_matrix(response.probabilities)
        if not len(places) == len(probabilities) == len(response.labels):
            raise ValueError(f"{len(probabilities)} rows for {len(places)} inputs")
        if probabilities.shape[1] != len(response.classes):
            raise ValueError(f"{probabilities.shape[1]} columns, {len(response.classes)} classes")
        if response.thresholds and len(response.thresholds) != len(response.classes):
            raise ValueError(f"{len(response.thresholds)} thresholds")
        if self._max_expected_error is not None and len(response.accepted) != len(places):
            raise ValueError(f"{len(response.accepted)} inputs accepted or not, of {len(places)}")
        failures = [
            self._failure(places[each.index], error_of_status(each.status))
            for each in response.failures
        ]
        warnings = [
            types.InputWarnings(
                places[each.index],
                self._inputs.name(places[each.index]),
                tuple(map(read_warning, each.warnings)),
            )
            for each in response.warnings
        ]
        return _Answer(
            places,
            probabilities,
            response.labels,
            tuple(response.classes),
            response.head_version,
            failures,
            warnings,
            response.accepted,
            response.expected_error,
            response.thresholds,
        )

    def _failure(self, place: int, error: AloeError) -> types.InputFailure:
        return types.InputFailure(
            place,
            self._inputs.name(place),
            error.reason or error.code,
            error.message,
            error.violations,
        )
