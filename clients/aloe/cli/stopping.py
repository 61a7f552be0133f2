"""Stopping rules on the command line: `--stop plateau --stop label_count:500 --stop-when any`."""

from enum import Enum
from typing import Annotated

import typer

from aloe.cli.console import percent
from aloe.cli.options import with_settings
from aloe.client import (
    AllOfRules,
    AnyOfRules,
    InvalidArgument,
    Round,
    StopAdvice,
    StoppingRule,
    StopVerdict,
    parse_stopping_rule,
    stopping_rule_forms,
    stopping_rule_text,
)


class When(Enum):
    """How rules are combined."""

    ANY = "any"
    ALL = "all"


Stop = Annotated[
    list[str] | None,
    typer.Option(
        "--stop",
        metavar="RULE",
        help="when to say that labels are enough, such as plateau:round_count=5; may be given"
        " several times. Rules, and their settings where nothing is said:"
        f" {with_settings(stopping_rule_forms())}. stable_predictions:of_mean judges the mean"
        " agreement instead of each",
    ),
]
StopWhen = Annotated[When, typer.Option(help="one of several rules is enough, or all must hold")]


def combine(texts: list[str] | None, when: When) -> StoppingRule | None:
    """Read the rules of a command line; None without any."""
    try:
        rules = tuple(map(parse_stopping_rule, texts or ()))
    except InvalidArgument as error:
        raise typer.BadParameter(error.violations[0].description) from None
    if len(rules) < 2:
        return rules[0] if rules else None
    return AnyOfRules(rules) if when is When.ANY else AllOfRules(rules)


def rule_text(rule: StoppingRule) -> str:
    """Write a rule for people."""
    match rule:
        case AnyOfRules(rules) | AllOfRules(rules):
            which = "any" if isinstance(rule, AnyOfRules) else "all"
            return f"{which} of ({', '.join(map(rule_text, rules))})"
        case _:
            return stopping_rule_text(rule)


def advice_text(advice: StopAdvice) -> str:
    """Write in one line what a rule says and why."""
    decisive = [each for each in advice.reasons if each.verdict is advice.verdict]
    return f"{_word(advice.verdict)}: " + "; ".join(each.description for each in decisive)


def stopping_rows(rule: StoppingRule | None, advice: StopAdvice | None) -> list[list[object]]:
    """Return what a table says of a task's rule: each part with what it says."""
    if rule is None:
        return []
    rows: list[list[object]] = [["stops by", rule_text(rule)]]
    if advice is not None:
        rows.append(["advice", _word(advice.verdict)])
        rows += [["", f"{_word(each.verdict)}: {each.description}"] for each in advice.reasons]
    return rows


def estimate_text(last: Round | None) -> str:
    """Write what a head's accuracy is estimated to be, without validation labels."""
    estimate = last.accuracy_estimate if last else None
    if estimate is None:
        return "-"
    return f"{percent(estimate.value)} ({percent(estimate.low)} to {percent(estimate.high)})"


def time_rows(last: Round) -> list[list[object]]:
    """Return where the time of a round went."""
    times = last.head_times
    parts = {
        "training": last.training_duration,
        "evaluation": last.evaluation_duration,
        "pool statistics": last.statistics_duration,
        "reading the store": last.store_duration,
        "publishing the head": times.publishing_duration,
        "scoring for queries": times.scoring_duration,
        "selection for queries": times.selection_duration,
    }
    return [
        [f"last {name}", f"{spent.total_seconds() * 1e3:,.1f} ms"]
        for name, spent in parts.items()
        if spent is not None
    ]


def _word(verdict: StopVerdict) -> str:
    return "stop" if verdict is StopVerdict.STOP else "go on"
