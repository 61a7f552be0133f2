"""What is asked of the heads of a task."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from aloe.client import types
from aloe.client.blocking.learner_calls.tasks import TaskCalls
from aloe.client.operations import (
    head_backups,
    pool_predictions,
    predictions,
    results,
)


class HeadCalls(TaskCalls):
    """What is asked of the heads of a task."""

    def predict(
        self,
        task_id: str,
        *,
        audio: Sequence[types.Audio] | None = None,
        embeddings: types.Float32Array | None = None,
        clip_ids: Sequence[str] | None = None,
        min_head_version: int = 0,
        head: int | str = 0,
        max_expected_error: float | None = None,
        on_progress: Callable[[int], None] | None = None,
        timeout: timedelta | None = None,
    ) -> types.Predictions:
        """Predict with the newest head. Exactly one of the first three is given.

        Any number of inputs may be given: they are read as they are sent, in as many calls as it
        takes. One that is at fault is among the failures and stops nothing.

        Args:
            task_id: the task.
            audio: recordings.
            embeddings: (n_clips, embedding_dim) float32, made by the pool's encoder.
            clip_ids: clips of the task's pool.
            min_head_version: wait for this head, as long as the timeout allows; 0 never waits.
            head: use this one, by its version or by a name it was promoted to, instead of the
                newest; calls of one prediction may differ if it is promoted meanwhile.
            max_expected_error: accept predictions, the surest first, while at most this part of
                them, 0 to 1, is expected to be wrong: of each call's, and so of all. It takes a
                head whose accuracy was estimated; InvalidArgument otherwise.
            on_progress: told, now and then, how many inputs are done so far.
            timeout: of each call.

        Raises:
            HeadNotTrained: the task has no head yet.
            NotFound: no head has that name.
        """
        predictions.check_one_input(audio, embeddings, clip_ids)
        inputs: predictions.PredictInputs[Any]
        if audio is not None:
            inputs = predictions.audio_inputs(audio, self._runner.endpoint.max_clip_bytes)
        elif embeddings is not None:
            inputs = predictions.embedding_inputs(embeddings)
        else:
            inputs = predictions.clip_inputs(self._pool_id(task_id, timeout), clip_ids or ())
        running = predictions.PredictRun(
            task_id,
            inputs,
            min_head_version=min_head_version,
            head=head,
            max_expected_error=max_expected_error,
            max_message_bytes=self._runner.endpoint.max_message_bytes,
            on_progress=on_progress,
        )
        for answer in self._runner.run_divided(running.operations(), timeout):
            running.add(answer)
        return running.finish()

    def predict_pool(
        self,
        task_id: str,
        *,
        head: int | str = 0,
        min_clip_number: int = 0,
        max_expected_error: float | None = None,
        filter: str = "",
        timeout: timedelta | None = None,
    ) -> Iterator[types.PoolPredictions]:
        """Yield what a head makes of all clips of its pool, thousands at a time, in their order.

        A stream that breaks off goes on behind the last clip that came, with the same head.

        Args:
            task_id: the task.
            head: its version or a name it was promoted to; the newest by default.
            min_clip_number: begin with the clip of this number, or the next that there is.
            max_expected_error: accept predictions for clips without an answer, the surest first,
                while at most this part of all that are accepted, 0 to 1, is expected to be wrong.
                It takes a head whose accuracy was estimated; InvalidArgument otherwise.
            filter: only clips that this takes, as in query; what is accepted is of these.
            timeout: how long nothing may come.
        """
        operation = pool_predictions.predict_pool(
            task_id, head, min_clip_number, max_expected_error, filter
        )
        return self._runner.stream(operation, timeout)

    def list_rounds(
        self, task_id: str, min_head_version: int = 0, *, timeout: timedelta | None = None
    ) -> tuple[types.Round, ...]:
        """List the rounds of a task from a head version on, the first one first."""
        operation = results.list_rounds(task_id, min_head_version)
        return self._runner.collect(operation, timeout)

    def export_head(
        self, task_id: str, head: int | str = 0, *, timeout: timedelta | None = None
    ) -> types.Head:
        """Return a head by its version or a name it was promoted to, the newest by default."""
        return self._runner.run(results.export_head(task_id, head), timeout)

    def promote_head(
        self,
        task_id: str,
        promotion_id: str,
        version: int,
        *,
        promote_time: datetime | None = None,
        timeout: timedelta | None = None,
    ) -> types.Promotion:
        """Give a head a name that `predict` takes; it is kept until its task is deleted.

        To go back, promote an earlier one again. `promote_time` says since when, of a backup that
        is restored.
        """
        operation = results.promote_head(task_id, promotion_id, version, promote_time)
        return self._runner.run(operation, timeout)

    def back_up_head(
        self, task_id: str, version: int, *, timeout: timedelta | None = None
    ) -> types.HeadBackup:
        """Return a head that is kept, with its map and round, to be restored some day."""
        head = self._runner.run(head_backups.head_bytes(task_id, version), timeout)
        return replace(
            head, round=self._runner.run(head_backups.round_bytes(task_id, version), timeout)
        )

    def restore_head(
        self,
        task_id: str,
        backup: types.HeadBackup,
        label_origins: types.LabelOrigins | None = None,
        *,
        timeout: timedelta | None = None,
    ) -> None:
        """Keep a head of a backup under its version, before the task has labels.

        One that is there already is left as it is. `label_origins` are the labels that it was
        trained on, for its card.

        Raises:
            AlreadyExists: the task has another head of that version, or labels to train one of.
        """
        operation = head_backups.restore_head(task_id, backup, label_origins)
        self._runner.run(operation, timeout)

    def demote_head(
        self, task_id: str, promotion_id: str, *, timeout: timedelta | None = None
    ) -> None:
        """Take a name off the head that has it. Raises NotFound where none has."""
        self._runner.run(results.demote_head(task_id, promotion_id), timeout)

    def list_promotions(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> tuple[types.Promotion, ...]:
        """List the names that heads of a task have."""
        return self._runner.run(results.list_promotions(task_id), timeout)
