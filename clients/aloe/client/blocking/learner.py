"""The blocking client of the learner service."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from aloe.client import types
from aloe.client.blocking.runner import SyncRunner
from aloe.client.errors import AloeError
from aloe.client.operations import (
    imports,
    label_import,
    labeling,
    pool_predictions,
    pools,
    predictions,
    results,
    searches,
    tasks,
)
from aloe.client.operations.operation import Listing
from aloe.client.operations.tasks import UNCHANGED, Unchanged
from aloe.v1.learner_service_pb2_grpc import LearnerServiceStub


class LearnerClient:
    """Calls a learner service. Made by connect(); `with` closes it.

    Threads may share one client; processes may not: open it after a fork, never before.

    Every method raises an AloeError where the call fails, InvalidArgument for arguments at fault.
    Calls are repeated while the server is away or overloaded, within their `timeout`, whose
    default is ConnectOptions.timeout; no repeat asks or answers anything twice.
    """

    def __init__(self, target: str, options: types.ConnectOptions) -> None:
        self._runner = SyncRunner(LearnerServiceStub, target, options)
        self._pool_ids: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls that run fail."""
        self._runner.close()

    def create_pool(
        self,
        pool_id: str,
        *,
        encoder_id: str = "",
        encoder_fingerprint: str = "",
        embedding_dim: int = 0,
        keep_audio: bool = False,
        timeout: timedelta | None = None,
    ) -> types.Pool:
        """Create a pool; an equal one that exists is no error.

        Args:
            pool_id: 1 to 128 letters, digits, '_', '-', '.' or '~'.
            encoder_id: empty for the embedding service's default.
            encoder_fingerprint: only for embeddings made elsewhere, with embedding_dim.
            embedding_dim: see encoder_fingerprint.
            keep_audio: keep the imported audio, so that get_clip_audio has it for good.
            timeout: of the whole call.
        """
        operation = pools.create_pool(
            pool_id,
            encoder_id=encoder_id,
            encoder_fingerprint=encoder_fingerprint,
            embedding_dim=embedding_dim,
            keep_audio=keep_audio,
        )
        return self._runner.run(operation, timeout)

    def get_pool(self, pool_id: str, *, timeout: timedelta | None = None) -> types.Pool:
        return self._runner.run(pools.get_pool(pool_id), timeout)

    def list_pools(self, *, timeout: timedelta | None = None) -> Listing[types.Pool]:
        return self._runner.collect(pools.list_pools(), timeout)

    def delete_pool(self, pool_id: str, *, timeout: timedelta | None = None) -> None:
        """Delete a pool and its clips; FailedPrecondition while a task uses it."""
        self._runner.run(pools.delete_pool(pool_id), timeout)

    def refit_pool(
        self, pool_id: str, *, timeout: timedelta | None = None
    ) -> tuple[types.PoolMap, ...]:
        """Fit the maps that tasks on a pool read anew, on the clips that it has now.

        Heads read them from the next one of each task on. Returns the newest map of each kind.
        FailedPrecondition where the pool has no clips, or no task reads a map.
        """
        return self._runner.run(pools.refit_pool(pool_id), timeout)

    def import_clips(
        self,
        pool_id: str,
        clips: Iterable[types.NewClip],
        *,
        encoder_fingerprint: str = "",
        duplicates: types.DuplicateRule = types.DuplicateRule.ALIAS,
        replace: bool = False,
        on_progress: Callable[[int], None] | None = None,
        timeout: timedelta | None = None,
    ) -> types.ImportSummary:
        """Add clips to a pool, any number of them.

        A clip that cannot be read or taken is among the summary's failures and stops nothing. An
        import that broke off can be run again: clips that are there already are skipped.

        While one stream is sent, the clips of the next are read. So an error of the call is raised
        only when those are read; where reading them fails too, the error of the call is raised.

        Args:
            pool_id: the pool.
            clips: read as they are sent, files too.
            encoder_fingerprint: of the encoder that made the embeddings; empty vouches for them.
            duplicates: what becomes of a new id for content that the pool holds already.
            replace: give an id that has other content the new content, where it fails otherwise.
                Labels of what it was before stay in the event logs of the tasks alone.
            on_progress: told, now and then, how many clips are done so far.
            timeout: of each stream of some hundred recordings, or some ten thousand embeddings; 10
                minutes by default.
        """
        running = imports.ClipImport(
            pool_id,
            clips,
            encoder_fingerprint=encoder_fingerprint,
            duplicates=duplicates,
            replace=replace,
            max_clip_bytes=self._runner.endpoint.max_clip_bytes,
            on_progress=on_progress,
        )
        timeout = imports.stream_timeout(timeout)
        for stored in self._runner.run_in_turn(running.operations(), timeout):
            running.add(stored)
        return running.finish()

    def list_clips(
        self, pool_id: str, filter: str = "", *, timeout: timedelta | None = None
    ) -> Iterator[types.Clip]:
        """Yield the clips that a filter takes, in the order of their import.

        Args:
            pool_id: the pool.
            filter: such as 'site = "north" AND NOT snr < 3'; empty takes all. The protos tell of
                the language, at ListClipsRequest.
            timeout: of a page.
        """
        return self._runner.pages(pools.list_clips(pool_id, filter), timeout)

    def export_clips(
        self,
        pool_id: str,
        skip_count: int = 0,
        filter: str = "",
        *,
        timeout: timedelta | None = None,
    ) -> Iterator[types.EmbeddedPoolClip]:
        """Yield the clips with their embeddings, in order, all but the first `skip_count`.

        With a filter, as in list_clips, those that it takes; what is skipped is of these.
        """
        return self._runner.stream(pools.export_clips(pool_id, skip_count, filter), timeout)

    def search_clips(
        self,
        pool_id: str,
        like: types.Like,
        *,
        similarity: types.Similarity = types.Similarity.COSINE,
        count: int = 50,
        filter: str = "",
        task_id: str | None = None,
        unlabeled_only: bool = False,
        encoder_fingerprint: str = "",
        timeout: timedelta | None = None,
    ) -> types.SearchResults:
        """Find the clips of a pool that are most like an example, the most alike first.

        All clips are compared. An example that is a clip of the pool is not found.

        Args:
            pool_id: the pool.
            like: a clip's id, or its name where it is of another pool; a sound; or an embedding.
            similarity: how they are compared.
            count: at most so many, up to 10,000.
            filter: only clips that this takes, as in list_clips; with a task as in query.
            task_id: a task on the pool, for the filter and for unlabeled_only.
            unlabeled_only: only clips that are open to queries of the task.
            encoder_fingerprint: of the encoder that made an embedding; empty vouches for it.
            timeout: of the whole call.

        Raises:
            EncoderMismatch: the example is of another encoder than the pool.
        """
        operation = searches.search_clips(
            pool_id,
            like,
            similarity=similarity,
            count=count,
            filter=filter,
            task_id=task_id,
            unlabeled_only=unlabeled_only,
            encoder_fingerprint=encoder_fingerprint,
            max_bytes=self._runner.endpoint.max_clip_bytes,
        )
        return self._runner.run(operation, timeout)

    def get_clip(
        self, pool_id: str, clip_id: str, *, timeout: timedelta | None = None
    ) -> types.Clip:
        """Return a clip by any of its ids."""
        return self._runner.run(pools.get_clip(pool_id, clip_id), timeout)

    def delete_clips(
        self, pool_id: str, clip_ids: Sequence[str], *, timeout: timedelta | None = None
    ) -> types.DeletedClips:
        """Delete clips, up to 1,000 at a time, all or none, with their labels.

        By its first id a clip goes with all its names, by one of its other_ids only that name
        goes. Tasks' event logs still tell of them. NotFound where the pool never held one.
        """
        return self._runner.run(pools.delete_clips(pool_id, clip_ids), timeout)

    def update_clips(
        self,
        pool_id: str,
        updates: Iterable[types.ClipUpdate],
        *,
        timeout: timedelta | None = None,
    ) -> int:
        """Change attributes of clips, up to 1,000 at a time, all or none.

        Returns of how many clips they are others now; NotFound where the pool does not hold one.
        """
        return self._runner.run(pools.update_clips(pool_id, updates), timeout)

    def rename_clip(
        self, pool_id: str, clip_id: str, new_id: str, *, timeout: timedelta | None = None
    ) -> types.Clip:
        """Give a clip another id instead of one that it has; AlreadyExists where that is taken."""
        return self._runner.run(pools.rename_clip(pool_id, clip_id, new_id), timeout)

    def get_clip_audio(
        self, pool_id: str, clip_id: str, *, timeout: timedelta | None = None
    ) -> types.ClipAudio:
        """Return the recording that a clip was imported from.

        Raises:
            NotFound: it was not kept and does not lie at its URI any more, or not where the server
                may read; the message says which. No other recording is ever returned.
        """
        return self._runner.run(pools.get_clip_audio(pool_id, clip_id), timeout)

    def create_task(
        self,
        task_id: str,
        pool_id: str,
        classes: Sequence[str],
        *,
        recipe: types.RecipeName = types.RecipeName.BEST,
        query_strategy: types.QueryStrategy | None = None,
        head_recipe: types.HeadRecipe | None = None,
        representation: types.Representation | None = None,
        label_budget: int | None = None,
        lease_duration: timedelta | None = None,
        seed: int = 0,
        max_leases_per_oracle: int | None = None,
        stopping_rule: types.StoppingRule | None = None,
        estimate_accuracy: bool | None = None,
        audit_share: float | None = None,
        timeout: timedelta | None = None,
    ) -> types.Task:
        """Create a task on a pool; an equal one that exists is no error.

        Args:
            task_id: 1 to 128 letters, digits, '_', '-', '.' or '~'.
            pool_id: whose clips it asks about.
            classes: the answers, at least two.
            recipe: stands for the next three where they are not given.
            query_strategy: which clips are asked first.
            head_recipe: how heads are trained.
            representation: what heads read of a clip.
            label_budget: labels that oracles may spend; None for no limit.
            lease_duration: how long an oracle holds a clip; None for the server's 5 minutes.
            seed: fixes every random choice of the task.
            max_leases_per_oracle: clips that one oracle may hold at a time; None for no limit.
            stopping_rule: when the task has labels enough; it advises and refuses nothing.
            estimate_accuracy: whether rounds estimate how often their heads are right, without
                validation labels; None does unless heads are trained by Adam.
            audit_share: part of the clips to ask that are drawn at random, from the 51st on, 0 to
                0.5, so that estimates do not rest on what the query strategy asked for alone; None
                for 0.
            timeout: of the whole call.
        """
        operation = tasks.create_task(
            task_id,
            pool_id,
            classes,
            recipe=recipe,
            query_strategy=query_strategy,
            head_recipe=head_recipe,
            representation=representation,
            label_budget=label_budget,
            lease_duration=lease_duration,
            seed=seed,
            max_leases_per_oracle=max_leases_per_oracle,
            stopping_rule=stopping_rule,
            estimate_accuracy=estimate_accuracy,
            audit_share=audit_share,
        )
        self._pool_ids.pop(task_id, None)
        return self._runner.run(operation, timeout)

    def get_task(self, task_id: str, *, timeout: timedelta | None = None) -> types.Task:
        return self._runner.run(tasks.get_task(task_id), timeout)

    def list_tasks(
        self, pool_id: str | None = None, *, timeout: timedelta | None = None
    ) -> Listing[types.Task]:
        """List the tasks of one pool, or all."""
        return self._runner.collect(tasks.list_tasks(pool_id), timeout)

    def update_task(
        self,
        task_id: str,
        *,
        query_strategy: types.QueryStrategy | Unchanged = UNCHANGED,
        acquisition_function: types.AcquisitionFunction | Unchanged = UNCHANGED,
        selection_rule: types.SelectionRule | Unchanged = UNCHANGED,
        head_recipe: types.HeadRecipe | Unchanged = UNCHANGED,
        representation: types.Representation | Unchanged = UNCHANGED,
        label_budget: int | Unchanged | None = UNCHANGED,
        lease_duration: timedelta | Unchanged | None = UNCHANGED,
        max_leases_per_oracle: int | Unchanged | None = UNCHANGED,
        stopping_rule: types.StoppingRule | Unchanged | None = UNCHANGED,
        estimate_accuracy: bool | Unchanged | None = UNCHANGED,
        audit_share: float | Unchanged | None = UNCHANGED,
        timeout: timedelta | None = None,
    ) -> types.Task:
        """Change the fields that are given, all in one step; None means as in create_task.

        acquisition_function and selection_rule each change their part of the query strategy and
        leave the other part as it is.
        """
        operation = tasks.update_task(
            task_id,
            query_strategy=query_strategy,
            acquisition_function=acquisition_function,
            selection_rule=selection_rule,
            head_recipe=head_recipe,
            representation=representation,
            label_budget=label_budget,
            lease_duration=lease_duration,
            max_leases_per_oracle=max_leases_per_oracle,
            stopping_rule=stopping_rule,
            estimate_accuracy=estimate_accuracy,
            audit_share=audit_share,
        )
        return self._runner.run(operation, timeout)

    def delete_task(self, task_id: str, *, timeout: timedelta | None = None) -> None:
        """Delete a task with its labels, heads and rounds; the pool stays."""
        self._pool_ids.pop(task_id, None)
        self._runner.run(tasks.delete_task(task_id), timeout)

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

    def watch_task(
        self, task_id: str, *, timeout: timedelta | None = None
    ) -> Iterator[types.TaskUpdate]:
        """Yield the task now and whenever it has changed, without end.

        The timeout is how long the server may be away before Unavailable is raised.
        """
        return self._runner.stream(results.watch_task(task_id), timeout)

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

    def export_head(
        self, task_id: str, head: int | str = 0, *, timeout: timedelta | None = None
    ) -> types.Head:
        """Return a head by its version or a name it was promoted to, the newest by default."""
        return self._runner.run(results.export_head(task_id, head), timeout)

    def promote_head(
        self, task_id: str, promotion_id: str, version: int, *, timeout: timedelta | None = None
    ) -> types.Promotion:
        """Give a head a name that `predict` takes; it is kept until its task is deleted.

        To go back, promote an earlier one again.
        """
        return self._runner.run(results.promote_head(task_id, promotion_id, version), timeout)

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

    def _pool_id(self, task_id: str, timeout: timedelta | None) -> str:
        """Return the pool of a task, which the full names of its clips need; asked for once."""
        if task_id not in self._pool_ids:
            self._pool_ids[task_id] = self.get_task(task_id, timeout=timeout).pool_id
        return self._pool_ids[task_id]
