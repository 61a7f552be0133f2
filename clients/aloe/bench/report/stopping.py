"""What stopping where a rule first says stop would have saved and cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from aloe.bench.report.intervals import Estimate, mean_estimate
from aloe.bench.report.runs import Run


@dataclass(frozen=True, slots=True)
class Stop:
    """One rule on the runs of one strategy; means over the runs in which it says stop."""

    rule: str
    strategy: str
    run_count: int
    stopped_count: int
    """The runs in which it says stop at some head."""
    labels: Estimate | None
    """At that head."""
    labels_saved: Estimate | None
    """Part of the run's labels that come after that head, 0 to 1."""
    accuracy_lost: Estimate | None
    """Test accuracy at the run's end minus that of the head."""


def stops_of(strategy: str, runs: Sequence[Run], rules: Sequence[str]) -> list[Stop]:
    """Evaluate stopping rules on the runs of one strategy."""
    return [_stop(rule, strategy, runs) for rule in rules]


def rules_of(runs: Sequence[Run]) -> list[str]:
    """Return the rules that say stop anywhere, by name."""
    return sorted({rule for run in runs for stops in run.stops for rule in stops})


def _stop(rule: str, strategy: str, runs: Sequence[Run]) -> Stop:
    stopped = [
        (run, next(head for head, stops in enumerate(run.stops) if rule in stops))
        for run in runs
        if any(rule in stops for stops in run.stops)
    ]
    return Stop(
        rule=rule,
        strategy=strategy,
        run_count=len(runs),
        stopped_count=len(stopped),
        labels=mean_estimate([run.labels[head] for run, head in stopped]),
        labels_saved=mean_estimate(
            [1 - run.labels[head] / run.labels[-1] for run, head in stopped]
        ),
        accuracy_lost=mean_estimate(
            [
                run.last("test_accuracy") - run.figures["test_accuracy"][head]
                for run, head in stopped
            ]
        ),
    )
