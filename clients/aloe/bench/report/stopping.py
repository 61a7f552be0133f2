"""What stopping where a rule first says stop would have saved and cost."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from aloe.bench.report.intervals import Estimate, mean_estimate
from aloe.bench.report.runs import Results, Run

ANY, ALL = "any of these", "all of these"
"""The rules of an experiment together: where the first of them says stop, and where all do."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A rule, or several together, on the runs of one query strategy.

    Means over the runs in which it says stop.
    """

    rule: str
    """As the experiment has it, or ANY or ALL."""
    strategy: str
    """Its name, of a query strategy."""
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
    """Evaluate stopping rules on one query strategy's runs: each, then ANY and ALL of several."""
    stops = [_stop(rule, strategy, runs, [rule], all) for rule in rules]
    if len(rules) > 1:
        stops += [_stop(ANY, strategy, runs, rules, any), _stop(ALL, strategy, runs, rules, all)]
    return stops


def rules_of(results: Results) -> list[str]:
    """Return the rules of an experiment; of results that do not name them, those that say stop."""
    asked = results.metadata.get("spec", {}).get("stop", ())
    said = sorted({rule for run in results.runs for stops in run.stops for rule in stops})
    return list(dict.fromkeys((*asked, *said)))


def _stop(
    name: str,
    strategy: str,
    runs: Sequence[Run],
    rules: Sequence[str],
    combine: Callable[[Iterable[bool]], bool],
) -> Stop:
    stopped = [
        (run, heads[0])
        for run in runs
        if (
            heads := [
                head
                for head, stops in enumerate(run.stops)
                if combine(rule in stops for rule in rules)
            ]
        )
    ]
    return Stop(
        rule=name,
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
