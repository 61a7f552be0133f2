"""Runs with their progress bars."""

from collections.abc import Awaitable, Callable

from rich.progress import Progress, TaskID

from aloe.bench.corpus import Corpus
from aloe.bench.pool_runs import JOB_COUNT, PoolRuns
from aloe.bench.runs import RunKey, RunRecord, run_keys
from aloe.bench.spec import Spec
from aloe.cli.console import CommandError, progress


async def _nothing(_: RunRecord, __: str) -> None:
    pass


async def run_with_progress(
    runs: PoolRuns,
    corpus: Corpus,
    spec: Spec,
    on_record: Callable[[RunRecord, str], Awaitable[None]] = _nothing,
) -> tuple[RunRecord, ...]:
    """Import the clips and do every run; return what happened, in order.

    Raises:
        CommandError: a clip cannot be embedded.
    """
    with progress() as bar:
        row = bar.add_task("embedding", total=corpus.clip_count)
        summary = await runs.import_clips(lambda count: bar.update(row, completed=count))
        if summary.failures:
            first = summary.failures[0]
            raise CommandError(
                f"{len(summary.failures):,} clips cannot be embedded;"
                f" {first.clip_id}: {first.message}"
            )
        keys = run_keys(spec, tuple(corpus.classes))
        rows = _round_bars(bar, keys, spec.rounds)
        records: dict[RunKey, RunRecord] = {}

        async def keep(record: RunRecord, task_id: str) -> None:
            records[record.key] = record
            await on_record(record, task_id)

        await runs.run(
            keys,
            job_count=JOB_COUNT,
            on_batch=lambda key: bar.advance(rows[_label(key)]),
            on_record=keep,
        )
        return tuple(records[key] for key in keys)


def _round_bars(bar: Progress, keys: tuple[RunKey, ...], rounds: int) -> dict[str, TaskID]:
    labels = [_label(key) for key in keys if key.strategy]
    return {
        label: bar.add_task(label, total=rounds * labels.count(label))
        for label in dict.fromkeys(labels)
    }


def _label(key: RunKey) -> str:
    return f"{key.task}, {key.strategy.value if key.strategy else 'all labels'}"
