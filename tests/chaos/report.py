"""What a run says of itself, for JSON."""

import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.checker import count_taken_back
from tests.chaos.disruptions import Disruptions
from tests.chaos.final_state import Truth
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.history import Operation, Outcome
from tests.chaos.saboteur import Saboteur
from tests.chaos.stuck_checks import latest_s
from tests.chaos.system import LEARNERS
from tests.chaos.watching import Watch


@dataclass(frozen=True, slots=True)
class Run:
    """All that is known of a run."""

    operations: Sequence[Operation]
    disruptions: Disruptions
    truth: Truth
    saboteur: Saboteur
    watch: Watch
    findings: Sequence[Finding]


def report(run: Run) -> dict[str, Any]:
    """The number of findings of each kind, and what was done."""
    found = Counter(finding.kind for finding in run.findings)
    outcomes = Counter(each.outcome for each in run.operations)
    acknowledged = [each for each in run.operations if each.outcome is Outcome.ACKNOWLEDGED]
    reasons = Counter(each.reason for each in run.operations if each.reason)
    rollbacks, tasks = run.disruptions.rollbacks, run.truth.tasks
    watched = run.watch.watched.values()
    return {
        **{kind.value: found[kind] for kind in FindingKind},
        "rollbacks": len(rollbacks),
        "rolled_back_s": round(sum(each.gone_s - each.snapshot_s for each in rollbacks), 1),
        "answers_taken_back": count_taken_back(run.operations, tasks, run.disruptions),
        "kills": run.saboteur.kill_count,
        "faults": {each.value: n for each, n in sorted(run.saboteur.fault_counts.items(), key=str)},
        "latest_call_s": round(latest_s(run.operations), 2),
        "longest_health_s": round(max(each.longest_health_s for each in watched), 2),
        "health_checks": sum(each.checks for each in watched),
        "learner_mb": {
            name: [round(each.first_mb), round(each.most_mb)]
            for name, each in run.watch.watched.items()
        },
        "operations": len(run.operations),
        "outcomes": {outcome.value: outcomes[outcome] for outcome in Outcome},
        "reasons": dict(sorted(reasons.items())),
        "acknowledged_calls": dict(sorted(Counter(each.call for each in acknowledged).items())),
        "labels": {final.task_id: len(final.labels) for final in tasks},
        "head_versions": {final.task_id: final.head_version for final in tasks},
        "picks_redone": {final.task_id: final.redone_pick_count for final in tasks},
        "picks_unknown": {final.task_id: final.unknown_pick_count for final in tasks},
        "replicas": len(LEARNERS),
        "ended_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores, Python"
        f" {platform.python_version()}",
    }
