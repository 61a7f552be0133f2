"""One run: a task of its own, labeled by its own oracle, over gRPC."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from aloe.bench.results.rows import HeadCheck, RunRecord
from aloe.bench.results.schema import CHECKED_LABEL_COUNTS
from aloe.bench.run.checking import PATIENCE, Checking, stretches
from aloe.bench.run.corpus import Corpus
from aloe.bench.spec import Spec
from aloe.bench.spec.run_keys import RunKey
from aloe.client import (
    AsyncLearnerClient,
    KnownLabel,
    LabelMode,
    PoolState,
    QueryStrategy,
    SelectionRule,
    Split,
    StoppingRule,
    parse_head_recipe,
)
from aloe.oracle import LabelingRound, Oracle, hardness_of, label_task, parse_oracle
from aloe.values.recipes import AdamRecipe

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
            self.spec.stopping_rule(self.corpus.label_mode(key.task)),
            label_budget=self.spec.labels - len(seed_labels) if self.spec.labels else None,
        )
        classes = self.corpus.classes[key.task]
        answering = oracle.build(
            self.corpus.truth_of(key.task, Split.TRAIN), classes, key.seed, hardness
        )
        return await self._label(answering, seed_labels, first_head, on_batch)

    async def _label(
        self,
        oracle: Oracle,
        seed_labels: Sequence[KnownLabel],
        first_head: int,
        on_batch: Callable[[], None],
    ) -> RunRecord:
        """Label the task, and check some of its heads."""
        rule = self.key.selection_rule
        assert rule is not None  # noqa: S101 - the ceiling is not labeled
        batch_size = self.spec.labels_a_round(rule, len(self.corpus.classes[self.key.task]))
        checking, batches, head_version = self._checking(), list[LabelingRound](), first_head
        asked = {each.clip_id for each in seed_labels}

        def on_round(batch: LabelingRound) -> None:
            batches.append(batch)
            asked.update(lease.clip_id for lease in batch.query.leases)
            on_batch()

        checked = self._checked_rounds(rule, len(seed_labels), batch_size)
        for stretch in stretches(checked, self.spec.rounds or None):
            if stretch.is_checked:
                await checking.prepare(head_version)
            report = await label_task(
                self.client,
                self.task_id,
                oracle,
                oracle_id="simulated",
                batch_size=batch_size,
                batches_at_once=self.spec.batches_at_once,
                rounds=stretch.rounds,
                min_head_version=head_version,
                on_round=on_round,
                call_timeout=PATIENCE,
            )
            head_version = report.head_version
            if stretch.is_checked:
                await checking.check(head_version, asked)
            if report.pool_state is not PoolState.OPEN:
                break
        return await self._record(head_version, batches, checking.found)

    def _checking(self) -> Checking:
        return Checking(
            self.client,
            self.task_id,
            self.corpus.truth_of(self.key.task, Split.TRAIN),
            self.corpus.truth_of(self.key.task, Split.TEST),
            self.spec.max_expected_error,
        )

    def _checked_rounds(self, rule: SelectionRule, seed_count: int, batch_size: int) -> set[int]:
        """Return the last round up to each of CHECKED_LABEL_COUNTS, and the last of all.

        None where heads get no estimate.
        """
        is_single = self.corpus.label_mode(self.key.task) is LabelMode.SINGLE
        is_estimated = is_single and not isinstance(
            parse_head_recipe(self.key.head_recipe), AdamRecipe
        )
        if not is_estimated or not self.spec.max_expected_error:
            return set()
        class_count = len(self.corpus.classes[self.key.task])
        last = self.spec.round_count(rule, class_count, self.key.seed_labels)
        return {*((count - seed_count) // batch_size for count in CHECKED_LABEL_COUNTS), last}

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
            estimate_accuracy=False,
            audit_share=self.key.audit_share,
            label_budget=label_budget,
            lease_duration=_LEASE,
            seed=self.key.seed,
            stopping_rule=stopping_rule,
            label_mode=self.corpus.label_mode(self.key.task),
            timeout=PATIENCE,
        )
        held_out = self.corpus.known_labels(self.key.task, [Split.VALIDATION, Split.TEST])
        imported = await self.client.import_labels(
            self.task_id, [*held_out, *train_labels], timeout=PATIENCE
        )
        return imported.head_version or 0

    async def _record(
        self,
        last_head: int,
        batches: Sequence[LabelingRound],
        checks: Mapping[int, HeadCheck] = MappingProxyType({}),
    ) -> RunRecord:
        """Wait for the last head and read the rounds."""
        await self._checking().wait_for(last_head)
        rounds = await self.client.list_rounds(self.task_id, timeout=PATIENCE)
        return RunRecord(self.key, rounds, tuple(batches), checks)
