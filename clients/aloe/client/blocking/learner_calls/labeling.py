"""What is asked of the labels of a task."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from aloe.client import types
from aloe.client.blocking.learner_calls.tasks import TaskCalls
from aloe.client.errors import AloeError
from aloe.client.operations import (
    label_import,
    labeling,
    results,
    searches,
)


class LabelingCalls(TaskCalls):
    """What is asked of the labels of a task."""

    def import_labels(
        self,
        task_id: str,
        labels: Iterable[types.KnownLabel],
        *,
        replace: bool = False,
        on_progress: label_import.OnProgress | None = None,
        timeout: timedelta | None = None,
    ) -> types.ImportLabelsResult:
        """Store labels that are known already, any number of them; none where one is at fault.

        A label that agrees with what is stored changes nothing, so an import that broke off can be
        run again. Beyond some thousand labels it takes several calls: all are checked before the
        first is stored.

        Args:
            task_id: the task.
            labels: one of each clip.
            replace: labels replace answers that differ, those of people included, and of several
                labels of a clip the last one counts.
            on_progress: told, now and then, the step, "checking" or "storing", and how many labels
                are done in it.
            timeout: of each call.

        Raises:
            AlreadyExists: clips are answered otherwise, and `replace` is not set.
        """
        running = label_import.LabelImport(
            task_id,
            self._pool_id(task_id, timeout),
            labels,
            replace=replace,
            max_message_bytes=self._runner.endpoint.max_message_bytes,
            on_progress=on_progress,
        )
        for check in running.checks():
            try:
                self._runner.run(check, timeout)
            except AloeError as error:
                running.blame(error)
        for done in self._runner.run_divided(running.stores(), timeout):
            running.add(done)
        return running.finish()

    def query(
        self,
        task_id: str,
        oracle_id: str,
        *,
        max_clip_count: int = 0,
        min_head_version: int = 0,
        lease_duration: timedelta | None = None,
        request_id: str | None = None,
        filter: str = "",
        clip_ids: Sequence[str] = (),
        like: types.Like | None = None,
        similarity: types.Similarity = types.Similarity.COSINE,
        timeout: timedelta | None = None,
    ) -> types.QueryResult:
        """Ask for the clips most worth a label and lease them to the oracle.

        Args:
            task_id: the task.
            oracle_id: who asks.
            max_clip_count: at most so many, 0 for one or for all of clip_ids. Fewer, or none, is no
                error: the result's pool_state says why.
            min_head_version: wait for this head, as long as the timeout allows; 0 never waits.
            lease_duration: how long to hold the clips; None for the task's.
            request_id: repeats the answer given under it; None for a new one.
            filter: only clips that this takes, as in list_clips; it can name state, split and label
                as well.
            clip_ids: only these clips, and in this order, whatever the query strategy says; those
                that are not open are passed over.
            like: clips that are most like this come first, whatever the query strategy says: a
                clip's id, a sound or an embedding, as in search_clips.
            similarity: how they are compared.
            timeout: of the whole call.
        """
        # Ids are of clips of the task's pool, which takes a call to know.
        named = bool(clip_ids) or isinstance(like, str)
        clips, example = searches.encode_choice(
            self._pool_id(task_id, timeout) if named else "",
            clip_ids,
            like,
            similarity,
            self._runner.endpoint.max_clip_bytes,
        )
        operation = labeling.query(
            task_id,
            oracle_id,
            max_clip_count=max_clip_count,
            min_head_version=min_head_version,
            lease_duration=lease_duration,
            request_id=request_id,
            filter=filter,
            clips=clips,
            like=example,
        )
        return self._runner.run(operation, timeout)

    def submit_labels(
        self,
        task_id: str,
        oracle_id: str,
        answers: Iterable[types.Answer],
        *,
        request_id: str | None = None,
        timeout: timedelta | None = None,
    ) -> types.SubmitResult:
        """Store an oracle's answers, all or none.

        Raises:
            LeaseLost: a lease ran out and its clip went to someone else.
        """
        operation = labeling.submit_labels(task_id, oracle_id, answers, request_id=request_id)
        return self._runner.run(operation, timeout)

    def release_leases(
        self,
        task_id: str,
        oracle_id: str,
        lease_ids: Sequence[str] = (),
        *,
        timeout: timedelta | None = None,
    ) -> int:
        """Give clips back unanswered, all of the oracle's by default; return how many."""
        return self._runner.run(labeling.release_leases(task_id, oracle_id, lease_ids), timeout)

    def renew_leases(
        self,
        task_id: str,
        oracle_id: str,
        lease_ids: Sequence[str],
        *,
        lease_duration: timedelta | None = None,
        timeout: timedelta | None = None,
    ) -> datetime:
        """Hold clips for longer, all or none; return until when.

        Args:
            task_id: the task.
            oracle_id: who holds them.
            lease_ids: one that has run out is renewed while nobody else holds the clip.
            lease_duration: from now; by default the task's.
            timeout: of the whole call.

        Raises:
            LeaseLost: a clip is answered, or went to someone else.
        """
        operation = labeling.renew_leases(task_id, oracle_id, lease_ids, lease_duration)
        return self._runner.run(operation, timeout)

    def export_labels(
        self, task_id: str, filter: str = "", *, timeout: timedelta | None = None
    ) -> Iterator[types.StoredLabel]:
        """Yield every label of a task, in the order of the pool's clips.

        With a filter, as in query, those of clips that it takes.
        """
        return self._runner.stream(results.export_labels(task_id, filter), timeout)

    def list_events(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> Iterator[types.TaskEvent]:
        """Yield what happened to a task, the first event first; the timeout is that of a page."""
        return self._runner.pages(results.list_events(task_id), timeout)

    def replay_task(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> Iterator[types.TaskReplay]:
        """Train every head and make every pick of a task again, and compare them with its log.

        Yields how far it is, the last time with all that was found. It takes as long as the task's
        training and ranking took: the timeout, of the whole call, must allow for that.
        """
        return self._runner.stream(results.replay_task(task_id), timeout)
