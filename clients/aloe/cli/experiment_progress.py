"""An experiment with its progress bars."""

from rich.progress import Progress, TaskID

from aloe.bench.experiment import Corpus, Experiment, Plan, RunKey
from aloe.bench.results import Ceiling, Run
from aloe.cli.console import CommandError, progress
from aloe.oracle import LabelingRound


async def run_with_progress(
    experiment: Experiment, corpus: Corpus, plan: Plan
) -> tuple[tuple[Run, ...], tuple[Ceiling, ...]]:
    """Import the clips and run the plan.

    Raises:
        CommandError: a clip cannot be embedded.
    """
    with progress() as bar:
        row = bar.add_task("embedding", total=len(corpus.clips))
        summary = await experiment.import_clips(lambda count: bar.update(row, completed=count))
        if summary.failures:
            first = summary.failures[0]
            raise CommandError(
                f"{len(summary.failures):,} clips cannot be embedded;"
                f" {first.clip_id}: {first.message}"
            )
        rows = _round_bars(bar, corpus, plan)

        def on_round(key: RunKey, _: LabelingRound) -> None:
            bar.advance(rows[key.task, key.strategy.value])

        return await experiment.run(on_round)


def _round_bars(bar: Progress, corpus: Corpus, plan: Plan) -> dict[tuple[str, str], TaskID]:
    return {
        (task, strategy.value): bar.add_task(
            f"{task}, {strategy.value}", total=plan.rounds * len(plan.seeds)
        )
        for task in corpus.classes
        for strategy in plan.strategies
    }
