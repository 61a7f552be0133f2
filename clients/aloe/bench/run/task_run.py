"""One run: a task of its own, labeled by its own oracle, over gRPC."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aloe.bench.results.rows import RunRecord
from aloe.bench.run.corpus import Corpus
from aloe.bench.spec import Spec
from aloe.bench.spec.run_keys import RunKey
from aloe.client import (
    AsyncLearnerClient,
    KnownLabel,
    QueryStrategy,
    Split,
    StoppingRule,
    parse_head_recipe,
)
from aloe.oracle import LabelingRound, hardness_of, label_task, parse_oracle

PATIENCE = timedelta(minutes=5)
"""How long a server may be away, or a head take, before the experiment gives up."""
_LEASE = timedelta(hours=1)
"""Longer than a run can pause: an expired lease would change what is asked."""

Hardness = Mapping[str, float]
"""Clip id to 0 to 1."""


@dataclass(frozen=True, slots=True)
class TaskRun:
    """A run on a task of its own."""

    client: AsyncLearnerClient
    corpus: Corpus
    spec: Spec
    pool_id: str
    task_id: str
    key: RunKey

    async def do(
        self,
        on_batch: Callable[[], None],
        hardness_of_task: Callable[[], Awaitable[Hardness]],
    ) -> RunRecord:
        """Label the task, and return what happened.

        Args:
            on_batch: told of every batch that was labeled.
            hardness_of_task: asked for the hardness of clips where the oracle needs it.
        """
        key = self.key
        if key.acquisition_function is None or key.selection_rule is None:
            labels = self.corpus.known_labels(key.task, [Split.TRAIN])
            return await self._record(await self._create(QueryStrategy(), labels), [])
        oracle = parse_oracle(key.oracle)
        # Before the task is created: else the first round would include the time that this takes.
        hardness = await hardness_of_task() if oracle.needs_hardness else None
        seed_labels = self.corpus.seed_labels(key.task, key.seed_labels, key.seed)
        strategy = self.spec.query_strategy(key.acquisition_function, key.selection_rule)
        first_head = await self._create(
            strategy,
            seed_labels,
            self.spec.stopping_rule(),
            label_budget=self.spec.labels - len(seed_labels) if self.spec.labels else None,
        )
        batches: list[LabelingRound] = []

        def on_round(batch: LabelingRound) -> None:
            batches.append(batch)
            on_batch()

        classes = self.corpus.classes[key.task]
        report = await label_task(
            self.client,
            self.task_id,
            oracle.build(self.corpus.train_truth(key.task), classes, key.seed, hardness),
            oracle_id="simulated",
            batch_size=self.spec.labels_a_round(key.selection_rule, len(classes)),
            batches_at_once=self.spec.batches_at_once,
            rounds=self.spec.rounds or None,
            min_head_version=first_head,
            on_round=on_round,
            call_timeout=PATIENCE,
        )
        return await self._record(report.head_version, batches)

    async def hardness(self) -> Hardness:
        """Return how hard the train clips are to the head that knows all their labels."""
        labels = self.corpus.known_labels(self.key.task, [Split.TRAIN])
        head = await self._create(QueryStrategy(), labels)
        clip_ids = [each.clip_id for each in labels]
        predictions = await self.client.predict(
            self.task_id, clip_ids=clip_ids, min_head_version=head, timeout=PATIENCE
        )
        return hardness_of(clip_ids, predictions.probabilities)

    async def _create(
        self,
        strategy: QueryStrategy,
        train_labels: Sequence[KnownLabel],
        stopping_rule: StoppingRule | None = None,
        label_budget: int | None = None,
    ) -> int:
        """Create the task with its known labels; return the version of its first head, or 0."""
        await self.client.create_task(
            self.task_id,
            self.pool_id,
            self.corpus.classes[self.key.task],
            query_strategy=strategy,
            head_recipe=parse_head_recipe(self.key.head_recipe),
            representation=self.key.representation,
            label_budget=label_budget,
            lease_duration=_LEASE,
            seed=self.key.seed,
            stopping_rule=stopping_rule,
            timeout=PATIENCE,
        )
        held_out = self.corpus.known_labels(self.key.task, [Split.VALIDATION, Split.TEST])
        imported = await self.client.import_labels(
            self.task_id, [*held_out, *train_labels], timeout=PATIENCE
        )
        return imported.head_version or 0

    async def _record(self, last_head: int, batches: Sequence[LabelingRound]) -> RunRecord:
        """Wait for the last head and read the rounds."""
        async for update in self.client.watch_task(self.task_id, timeout=PATIENCE):
            if update.task.head_version >= last_head:
                break
        rounds = await self.client.list_rounds(self.task_id, timeout=PATIENCE)
        return RunRecord(self.key, rounds, tuple(batches))
