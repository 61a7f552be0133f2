"""Predict: a task's newest head on recordings, embeddings or clips of the pool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from aloe.admission.gate import not_working
from aloe.learner.cache.clips import no_clip
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.accepting import Acceptance, accept
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import InvalidInput, LearnerError
from aloe.learner.domain.estimating import LEAST_LABELS, AccuracyEstimate
from aloe.learner.domain.folding import FoldedHead, fold_head
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import all_in_range
from aloe.learner.domain.pool import RANGE_RULE, Audio, NamedClip, in_range
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.several_evaluation import DEFAULT_THRESHOLD
from aloe.learner.domain.task import Task
from aloe.learner.ports.encoder import EncoderPort
from aloe.learner.ports.store import Store
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.probabilities import Probabilities, check_answer
from aloe.learner.usecases.promoting import find_head
from aloe.learner.usecases.training import Trainer
from aloe.values.audio import AudioReport
from aloe.values.labels import LabelMode


@dataclass(frozen=True, slots=True)
class NamedClips:
    """Clips to predict for; an InvalidInput stands for one whose name is none."""

    clips: Sequence[NamedClip | InvalidInput]


PredictInput = Sequence[Audio | InvalidInput] | Float32Array | NamedClips
"""An InvalidInput stands for a recording whose message is malformed."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a head predicts for some inputs."""

    classes: tuple[str, ...]
    """Those that the head tells apart, of the task's active ones."""
    probabilities: Float32Array
    """(n_inputs, n_classes) float32; NaN for inputs that failed."""
    failures: Mapping[int, LearnerError]
    """What was wrong with inputs, by their places."""
    reports: Mapping[int, AudioReport]
    """What was found in recordings that warnings go with, by their places."""
    head_version: int
    acceptance: Acceptance | None
    """Which of them are accepted; None where that was not asked."""
    thresholds: Sequence[float]
    """One per class, of several labels a clip: see head_thresholds."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of the inputs that nothing is wrong with, in order, and of the others."""

    vectors: Float32Array
    """(n_inputs - n_failures, dim) float32"""
    failures: Mapping[int, LearnerError]
    reports: Mapping[int, AudioReport] = field(default_factory=dict)
    pool_map: PoolMap | None = None
    """Maps the vectors to what the head reads; None where they are that."""


class Predictor:
    """Serves predictions."""

    def __init__(
        self,
        store: Store,
        pools: PoolCache,
        tasks: TaskCache,
        trainer: Trainer,
        *,
        encoder: EncoderPort,
        maps: PoolMaps,
    ) -> None:
        self._store, self._pools, self._tasks, self._maps = store, pools, tasks, maps
        self._encoder, self._trainer = encoder, trainer
        self._probabilities = Probabilities()

    async def predict(
        self,
        task_id: str,
        inputs: PredictInput,
        *,
        min_head_version: int,
        head: str = "",
        max_expected_error: float | None = None,
    ) -> Prediction:
        """Predict class probabilities; an input that is at fault fails alone.

        Args:
            task_id: the task.
            inputs: what to predict for.
            min_head_version: of the head to use; it is waited for.
            head: the version or name of the one to use instead; empty for the newest.
            max_expected_error: part of the predictions that may be wrong among those to accept.

        Raises:
            InvalidInput: there are no embeddings, or they are of the wrong size, or the answer is
                larger than a message may be; or the head's accuracy was not estimated, on which
                max_expected_error depends.
            Overloaded: too much is in work.
            HeadNotTrained: the task has no head yet.
            HeadVersionUnknown: no head of min_head_version is in the making, or the one that is
                asked for is not kept.
            PromotionNotFound: no head has the name that is asked for.
        """
        if head and min_head_version:
            raise InvalidInput.of("head", "give it or min_head_version, not both")
        cached = await self._tasks.recent(task_id)
        check_error(cached.task, max_expected_error)
        await self._trainer.wait_for_head(cached, min_head_version)
        used = fold_head(await find_head(self._store, cached, head), cached.task)
        classes = used.names(cached.task)
        check_answer(classes, _count(inputs))
        estimate = None
        if max_expected_error is not None:
            estimate = await estimate_of(self._store, cached.task, used)
        if isinstance(inputs, NamedClips):
            found = await self._vectors_of(cached.task, inputs.clips, used.head)
        else:
            found = await self._embedded(cached.task, inputs, used.head)
        rows = await self._rows(used, found)
        accepted = None
        if estimate is not None and max_expected_error is not None:
            accepted = accept(rows, estimate, max_expected_error)
        version = used.head.version
        thresholds = await head_thresholds(self._store, cached.task, version, used.classes)
        return Prediction(
            classes, rows, found.failures, found.reports, version, accepted, thresholds
        )

    async def _rows(self, used: FoldedHead, found: _Found) -> Float32Array:
        """Return a row for each input, (n_inputs, n_classes) float32; NaN for those that failed."""
        good, failures = found.vectors, found.failures
        probabilities = used.fold(await self._probabilities.of(used.head, good, found.pool_map))
        if not failures:
            return probabilities
        rows = np.full((len(good) + len(failures), len(used.classes)), np.nan, np.float32)
        has_row = np.ones(len(rows), np.bool_)
        has_row[list(failures)] = False
        rows[has_row] = probabilities
        return rows

    async def _embedded(
        self, task: Task, inputs: Sequence[Audio | InvalidInput] | Float32Array, head: Head
    ) -> _Found:
        pool_map = await self._maps.of_head(task.pool_id, head)
        embedding_dim = pool_map.embedding_dim if pool_map else head.weights.shape[0]
        if isinstance(inputs, np.ndarray):
            return _in_range(inputs, embedding_dim, pool_map)
        pool = await self._store.read_pool(task.pool_id)
        readable = [each for each in inputs if not isinstance(each, InvalidInput)]
        async with not_working():  # The embedding service has its own turns.
            embedded = iter(await self._encoder.embed(pool.encoder, readable) if readable else ())
        outcomes = [each if isinstance(each, InvalidInput) else next(embedded) for each in inputs]
        good: list[Float32Array] = []
        failures: dict[int, LearnerError] = {}
        reports: dict[int, AudioReport] = {}
        for place, each in enumerate(outcomes):
            if isinstance(each, LearnerError):
                failures[place] = each
                continue
            good.append(each.embedding)
            if each.report.warnings:
                reports[place] = each.report
        vectors = np.stack(good) if good else _none(embedding_dim)
        return _Found(vectors, failures, reports, pool_map)

    async def _vectors_of(
        self, task: Task, clips: Sequence[NamedClip | InvalidInput], head: Head
    ) -> _Found:
        ids = [each.clip_id if isinstance(each, NamedClip) else "" for each in clips]
        found = await self._store.find_clips(task.pool_id, ids)
        # Read after the clips were found: it holds them.
        pool = await self._pools.fresh(task.pool_id)
        vectors = await self._pools.load(pool, await self._maps.of_head(task.pool_id, head))
        rows: list[int] = []
        failures: dict[int, LearnerError] = {}
        for place, (clip, known) in enumerate(zip(clips, found, strict=True)):
            if isinstance(clip, InvalidInput):
                failures[place] = clip
            elif clip.pool_id != task.pool_id:
                failures[place] = InvalidInput.of(
                    "clips.names",
                    f"pools/{clip.pool_id} is not the pool of tasks/{task.task_id}, which is"
                    f" pools/{task.pool_id}",
                )
            elif (
                known is None
                # Pool and task may have been deleted and made anew since the clips were found. A
                # clip that was replaced since then still has its vector.
                or known.row >= pool.row_count
                or pool.clips[known.row].content_hash != known.content_hash
            ):
                failures[place] = no_clip(task.pool_id, clip.clip_id)
            else:
                rows.append(known.row)
        return _Found(vectors[rows] if rows else _none(vectors.shape[1]), failures)


def check_error(task: Task, max_expected_error: float | None) -> None:
    """Check which part of a task's predictions may be wrong. Raises InvalidInput."""
    if max_expected_error is None:
        return
    if not 0 <= max_expected_error <= 1:
        raise InvalidInput.of("max_expected_error", f"{max_expected_error:g}; it must be 0 to 1")
    if task.label_mode is LabelMode.MULTIPLE:
        raise InvalidInput.of(
            "max_expected_error",
            f"it goes with one label a clip, and tasks/{task.task_id} is of several",
        )


async def head_thresholds(
    store: Store, task: Task, head_version: int, classes: Sequence[int]
) -> Sequence[float]:
    """Return what thresholds_of says of the round of a head."""
    if task.label_mode is LabelMode.SINGLE:
        return ()
    rounds = await store.read_rounds(task, head_version, 1)
    return thresholds_of(task, rounds[0] if rounds else None, classes)


def thresholds_of(task: Task, round_: Round | None, classes: Sequence[int]) -> Sequence[float]:
    """Return from which probability on a clip is predicted to be of some classes, by index.

    None at all in tasks of one label a clip. They are those that the round's evaluation chose on
    the validation labels.
    """
    if task.label_mode is LabelMode.SINGLE:
        return ()
    evaluation = round_.validation if round_ else None
    if round_ is None or evaluation is None or evaluation.figures is None:
        return [DEFAULT_THRESHOLD] * len(classes)
    chosen = dict(zip(round_.class_indices, evaluation.figures.thresholds, strict=True))
    return [chosen.get(index, DEFAULT_THRESHOLD) for index in classes]


async def estimate_of(store: Store, task: Task, used: FoldedHead) -> AccuracyEstimate:
    """Return the estimate of a head's accuracy.

    Raises:
        InvalidInput: there is none, or it is of other classes than the task has.
    """
    head_version = used.head.version
    if used.places is not None or used.classes != task.class_table.active:
        raise InvalidInput.of(
            "max_expected_error",
            f"the classes of tasks/{task.task_id} were changed since head {head_version}: its"
            " accuracy is not known for those that there are now; take a later head",
        )
    rounds = await store.read_rounds(task, head_version, 1)
    estimate = rounds[0].accuracy_estimate if rounds else None
    if estimate is None:
        raise InvalidInput.of(
            "max_expected_error",
            f"head {head_version} of tasks/{task.task_id} has no estimate of its accuracy; it"
            f" takes estimate_accuracy, {LEAST_LABELS} labels and clips without an answer",
        )
    return estimate


def _count(inputs: PredictInput) -> int:
    return len(inputs.clips) if isinstance(inputs, NamedClips) else len(inputs)


def _in_range(embeddings: Float32Array, embedding_dim: int, pool_map: PoolMap | None) -> _Found:
    """Check embeddings from outside, (n, embedding_dim) float32.

    Raises:
        InvalidInput: there are none, or they are of the wrong size.
    """
    row_count, size = embeddings.shape
    if row_count == 0:
        raise InvalidInput.of("embeddings", "empty; give at least one")
    if size != embedding_dim:
        raise InvalidInput.of(
            "embeddings", f"{size} values each; the pool's embeddings have {embedding_dim}"
        )
    if all_in_range(embeddings):
        return _Found(embeddings, {}, pool_map=pool_map)
    fits = in_range(embeddings).all(axis=1)
    failures = {
        place: InvalidInput.of("embeddings", RANGE_RULE) for place in np.flatnonzero(~fits).tolist()
    }
    return _Found(embeddings[fits], failures, pool_map=pool_map)


def _none(embedding_dim: int) -> Float32Array:
    return np.empty((0, embedding_dim), np.float32)
