"""One run: start everything, let oracles work while things break, heal them, and judge."""

import asyncio
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.chaos.checker import check
from tests.chaos.clip_checks import check_clips
from tests.chaos.disruptions import Disruptions
from tests.chaos.faults import Fault
from tests.chaos.final_state import Truth, read_final, read_pool, settle
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.history import History, read_history, read_notes
from tests.chaos.oracle import ChaoticOracle
from tests.chaos.probing import probe
from tests.chaos.recorded_client import connect_recorded
from tests.chaos.report import Run, report
from tests.chaos.saboteur import Saboteur
from tests.chaos.scene import PLANS, Scene
from tests.chaos.stuck_checks import stuck_calls
from tests.chaos.system import System
from tests.chaos.watching import Watch, find_restless

from aloe.client import ConnectOptions, connect_async

ORACLE_COUNT = 8
_SETTLE_S = 120.0


@dataclass(frozen=True, slots=True)
class ChaosOptions:
    """How long to run, with what seed, and where to keep files."""

    minutes: float
    seed: int
    folder: Path
    """For the history, and all that the servers keep and log."""
    without: frozenset[Fault] = frozenset()
    """Faults to leave out."""


@dataclass(frozen=True, slots=True)
class ChaosOutcome:
    """What a run found."""

    report: dict[str, Any]
    """For JSON: the number of findings of each kind, and what was done."""
    findings: Sequence[Finding]


async def run_chaos(options: ChaosOptions, on_step: Callable[[str], None]) -> ChaosOutcome:
    """Do one run.

    Raises:
        ChildFailed, NoRedis: nothing could be started.
        AloeError: the healed system cannot be read.
    """
    history_path = options.folder / "history.jsonl"
    # A folder of its own, since the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="aloe-chaos-") as socket_folder:
        async with System(options.folder, Path(socket_folder), ORACLE_COUNT) as system:
            on_step("everything runs")
            watch = Watch(system)
            with History(history_path) as history:
                scene, saboteur, failed = await _break(system, watch, history, options, on_step)
            on_step("all is healed; waiting for rest")
            truth = await _read_truth(system, scene)
            restless = await find_restless(system)
    operations = read_history(history_path)
    disruptions = Disruptions.read(read_notes(history_path))
    findings = [
        *check(operations, truth.tasks, disruptions),
        *check_clips(operations, truth.pools, disruptions),
        *stuck_calls(operations),
        *watch.findings,
        *failed,
        *restless,
        *(Finding(FindingKind.UNSETTLED, task_id) for task_id in sorted(truth.restless)),
        *(Finding(FindingKind.REPLICAS_DIFFER, differing) for differing in truth.differing),
    ]
    # All of them, beside the history.
    told = "".join(f"{each.kind.value}: {each.text}\n" for each in findings)
    (options.folder / "findings.txt").write_text(told)
    run = Run(operations, disruptions, truth, saboteur, watch, findings)
    how = {"oracles": ORACLE_COUNT, "minutes": options.minutes, "seed": options.seed}
    return ChaosOutcome({**report(run), **how}, findings)


async def _break(
    system: System,
    watch: Watch,
    history: History,
    options: ChaosOptions,
    on_step: Callable[[str], None],
) -> tuple[Scene, Saboteur, list[Finding]]:
    """Let oracles work while things break.

    Returns:
        What they worked on, who broke it, and what failed once it was healed.
    """
    rng, scene = random.Random(options.seed), Scene(options.seed, options.folder / "recordings")
    async with AsyncExitStack() as closing:
        clients = []
        for number in range(ORACLE_COUNT):
            # Short timeouts for some: their calls end while the server still works on them.
            calls = ConnectOptions(timedelta(seconds=rng.uniform(1, 8)))
            addresses, oracle_id = system.addresses[number], f"oracle-{number}"
            clients.append(await connect_recorded(closing, addresses, history, oracle_id, calls))
        patient = ConnectOptions(timedelta(minutes=1))
        authors = await connect_recorded(closing, system.addresses[0], history, "author", patient)
        await scene.create(authors[0])
        oracles = [
            ChaoticOracle(each, scene, random.Random(rng.random()), raises_budgets=number == 0)
            for number, each in enumerate(clients)
        ]
        saboteur = Saboteur(system, scene, history, random.Random(rng.random()), options.without)
        stopping, failed = asyncio.Event(), list[Finding]()

        async def probe_all() -> None:
            failed.extend(await probe(authors, scene))

        on_step(f"chaos for {options.minutes:g} min")
        # An error here is a defect of the chaos itself, and ends it at once.
        async with asyncio.TaskGroup() as working:
            for oracle in oracles:
                working.create_task(oracle.work(stopping))
            working.create_task(saboteur.work(stopping, probe_all))
            working.create_task(watch.work(stopping))
            await asyncio.sleep(options.minutes * 60)
            stopping.set()
        return scene, saboteur, failed


async def _read_truth(system: System, scene: Scene) -> Truth:
    """Wait for rest, then read each task and pool from every replica."""
    async with AsyncExitStack() as closing:
        replicas = [
            await closing.enter_async_context(connect_async(address))
            for address in system.addresses[0]
        ]
        restless = await settle(replicas[0], scene.promised, _SETTLE_S)
        tasks, pools, differing = [], [], []
        for plan in PLANS:
            told = [await read_final(replica, plan.task_id) for replica in replicas]
            tasks.append(told[0])
            differing += [plan.task_id] if any(each != told[0] for each in told) else []
        for pool_id in scene.embedding_dims:
            held = [await read_pool(replica, pool_id, scene) for replica in replicas]
            pools.append(held[0])
            differing += [pool_id] if any(each != held[0] for each in held) else []
    return Truth(restless, tasks, pools, differing)
