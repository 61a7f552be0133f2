"""`python -m tests.chaos.store_faults --json`: a store without room while 8 oracles label.

For each fault: what is written is refused whole, what is read goes on, and once there is room the
system comes back by itself. Exit code 1 if any of that is not so.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from tests.chaos.checker import check
from tests.chaos.final_state import read_final, settle
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.history import History, Operation, Outcome, read_history
from tests.chaos.oracle import ChaoticOracle
from tests.chaos.recorded_client import connect_recorded
from tests.chaos.scene import PLANS, VECTORS, Scene
from tests.chaos.store_fault_kinds import STORE_FAULTS, NotHere, StoreFault
from tests.chaos.store_verdict import STORE_REASONS, broken

from aloe.client import AsyncLearnerClient, ConnectOptions, connect_async
from aloe.client.errors import AloeError
from aloe.local import ChildFailed, LocalStack, NoRedis

ORACLE_COUNT = 8
_WARM_UP_S, _SETTLE_S, _RECOVERY_S = 4.0, 90.0, 45.0
_READ_TIMEOUT = timedelta(seconds=10)


@dataclass
class Reads:
    """What a reader met while the store had no room."""

    ok: int = 0
    failed: int = 0
    longest_s: float = 0.0
    last_error: str = ""


async def run_fault(fault: StoreFault, folder: Path, fault_s: float) -> dict[str, Any]:
    """Run one fault; return the figures of its row.

    Raises:
        NotHere: the machine does not allow it.
    """
    history_path = folder / "history.jsonl"
    scene = Scene(1, folder / "recordings")
    with fault.system(folder / "system") as stack:
        with History(history_path) as history:
            reads, spans = await _disturb(fault, stack, history, scene, fault_s)
        async with AsyncExitStack() as closing:
            replicas = [await _open(closing, address) for address in stack.learner_addresses]
            restless = await settle(replicas[0], scene.promised, _SETTLE_S)
            finals = [await read_final(replicas[0], plan.task_id) for plan in PLANS]
            others = [await read_final(replicas[1], plan.task_id) for plan in PLANS]
    operations = read_history(history_path)
    findings = [
        *check(operations, finals),
        *(Finding(FindingKind.UNSETTLED, task_id) for task_id in sorted(restless)),
        *(
            Finding(FindingKind.REPLICAS_DIFFER, one.task_id)
            for one, other in zip(finals, others, strict=True)
            if one != other
        ),
    ]
    return _row(operations, findings, reads, spans)


async def _disturb(
    fault: StoreFault, stack: LocalStack, history: History, scene: Scene, fault_s: float
) -> tuple[Reads, tuple[float, float]]:
    """Let oracles label, have the store full for a while, and wait until labels are taken again.

    Returns:
        What was read meanwhile, and when the store was first full and when it had room again.
    """
    rng = random.Random(1)
    async with AsyncExitStack() as closing:
        clients = []
        for number in range(ORACLE_COUNT):
            calls = ConnectOptions(timedelta(seconds=rng.uniform(2, 8)))
            addresses = stack.learner_addresses
            clients.append(
                await connect_recorded(closing, addresses, history, f"oracle-{number}", calls)
            )
        patient = ConnectOptions(timedelta(minutes=1))
        (author,) = await connect_recorded(
            closing, [stack.learner_address], history, "author", patient
        )
        await scene.create(author)
        reader = author.plain
        oracles = [
            ChaoticOracle(each, scene, random.Random(number), raises_budgets=number == 0)
            for number, each in enumerate(clients)
        ]
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as working:
            for oracle in oracles:
                working.create_task(oracle.work(stopping))
            await asyncio.sleep(_WARM_UP_S)
            await asyncio.to_thread(fault.begin)
            history.note("fault")
            began = await _first(history, lambda each: each.reason in STORE_REASONS)
            reads = await _read_on(reader, scene, time.monotonic() + fault_s)
            await asyncio.to_thread(fault.end)
            history.note("room")
            ended = time.monotonic()
            await _first(history, lambda each: _is_label(each) and each.start_s > ended)
            await asyncio.sleep(_WARM_UP_S)
            stopping.set()
    return reads, (began, ended)


async def _first(history: History, wanted: Any) -> float:
    """Wait for an operation that ended as wanted; return when that was, or when it was given up."""
    deadline = time.monotonic() + _RECOVERY_S
    while time.monotonic() < deadline:
        for each in read_history(history.path):
            if wanted(each):
                return each.end_s
        await asyncio.sleep(0.2)
    return time.monotonic()


def _is_label(operation: Operation) -> bool:
    return operation.call == "submit_labels" and operation.outcome is Outcome.ACKNOWLEDGED


async def _read_on(client: AsyncLearnerClient, scene: Scene, until_s: float) -> Reads:
    """Read what people read, again and again; no read may fail."""
    reads = Reads()
    embeddings = np.zeros((1, scene.embedding_dims[VECTORS]), np.float32)
    while time.monotonic() < until_s:
        for read in (
            lambda: client.get_task("brief", timeout=_READ_TIMEOUT),
            lambda: client.predict("brief", embeddings=embeddings, timeout=_READ_TIMEOUT),
            lambda: _all(client.export_labels("frugal", timeout=_READ_TIMEOUT)),
            lambda: _all(client.list_clips(VECTORS, timeout=_READ_TIMEOUT)),
        ):
            began = time.monotonic()
            try:
                await read()
            except AloeError as error:
                reads.failed += 1
                reads.last_error = f"{error.code} {error.reason} {error}"
            else:
                reads.ok += 1
            reads.longest_s = max(reads.longest_s, time.monotonic() - began)
        await asyncio.sleep(0.1)
    return reads


async def _all(items: Any) -> list[Any]:
    return [item async for item in items]


async def _open(closing: AsyncExitStack, address: str, timeout_s: float = 30) -> AsyncLearnerClient:
    calls = ConnectOptions(timeout=timedelta(seconds=timeout_s))
    return await closing.enter_async_context(connect_async(address, calls))


def _row(
    operations: Sequence[Operation],
    findings: Sequence[Finding],
    reads: Reads,
    spans: tuple[float, float],
) -> dict[str, Any]:
    began, ended = spans
    found = Counter(finding.kind for finding in findings)
    lost = found.pop(FindingKind.ACKNOWLEDGED_LOST, 0)
    labels = [each for each in operations if _is_label(each)]
    after = [each.end_s - ended for each in labels if each.start_s > ended]
    refused = Counter(
        each.reason
        for each in operations
        if began <= each.end_s <= ended
        # Answers with a class that was retired meanwhile are judged by the checker.
        if not each.is_behind_classes
        and (each.call, each.reason) != ("submit_labels", "INVALID_INPUT")
    )
    return {
        "acknowledged_labels_lost": lost,
        "half_done_writes": sum(found.values()),
        "findings": [f"{each.kind.value}: {each.text}" for each in findings][:10],
        "reads_during_fault": reads.ok,
        "reads_failed": reads.failed,
        "longest_read_s": round(reads.longest_s, 2),
        "last_read_error": reads.last_error,
        "recovered_by_itself": bool(after),
        "recovered_after_s": round(min(after), 2) if after else None,
        "labels_acknowledged_before": sum(each.end_s < began for each in labels),
        "labels_acknowledged_during": sum(began <= each.end_s <= ended for each in labels),
        "refused_during": {reason: n for reason, n in sorted(refused.items()) if reason},
        "fault_s": round(ended - began, 1),
    }


def main() -> int:
    """Run the faults and print a row for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.store_faults", description=__doc__)
    parser.add_argument("--fault", choices=STORE_FAULTS, action="append", help="only these")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long a fault lasts")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    arguments = parser.parse_args()
    report: dict[str, Any] = {}
    code = 0
    for name in arguments.fault or STORE_FAULTS:
        with tempfile.TemporaryDirectory(prefix="aloe-fault-") as folder:
            sys.stderr.write(f"{name}\n")
            try:
                row = asyncio.run(run_fault(STORE_FAULTS[name](), Path(folder), arguments.seconds))
            except NotHere as error:
                report[name] = {"skipped": str(error)}
                continue
            except (AloeError, ChildFailed, NoRedis) as error:
                sys.stderr.write(f"{name}: {error}\n")
                return 2
            except KeyboardInterrupt:
                return 130
        report[name] = row
        row["broken"] = broken(row)
        for text in row["broken"]:
            sys.stderr.write(f"{name}: {text}\n")
            code = 1
    if arguments.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        for name, row in report.items():
            lines = "".join(f"  {key:28} {value}\n" for key, value in row.items())
            sys.stdout.write(f"{name}\n{lines}")
    return code


if __name__ == "__main__":
    sys.exit(main())
