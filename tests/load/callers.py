"""Callers as a process of their own: `python -m tests.load.callers PLAN_FILE OUTCOME_FILE`.

With a rate every caller calls on its schedule, one call at a time: it is late if its last call is
answered late. A refused call is over, whatever it was told of when to come again. Without a rate it
calls again as soon as it is answered, which finds the capacity.
"""

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import grpc
from tests.load.works import Call, RpcError, work

from aloe.serving.event_loop import new_event_loop


@dataclass(frozen=True, slots=True)
class Plan:
    """What some callers do."""

    kind: str
    learner: str
    embedding: str
    caller_count: int
    connection_count: int
    lead_s: float
    """Before what is answered counts: until all callers call and queues are as long as they get,
    which takes seconds where no more is offered than can be done."""
    seconds: float
    """After that."""
    deadline_s: float
    calls_per_s: float | None
    """Of all callers; None as many as are answered."""


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    seconds: float = 0.0
    offered: int = 0
    answered: int = 0
    steadily: int = 0
    """Answered in the plan's seconds, after its lead."""
    refused: int = 0
    """With RESOURCE_EXHAUSTED and a RetryInfo."""
    failed: dict[str, int] = field(default_factory=dict)
    """By status, RESOURCE_EXHAUSTED without a RetryInfo among them; no Counter, for asdict."""
    latencies_s: list[float] = field(default_factory=list)
    """Of what was answered."""


class Callers:
    """Some callers on one event loop."""

    def __init__(self, plan: Plan, call: Call) -> None:
        self._plan, self._call, self.outcome, self._began = plan, call, Outcome(), 0.0

    async def run(self) -> Outcome:
        began = self._began = time.perf_counter()
        ends = began + self._plan.lead_s + self._plan.seconds
        run = self._call_again if self._plan.calls_per_s is None else self._call_on_schedule
        await asyncio.gather(*(run(number, ends) for number in range(self._plan.caller_count)))
        self.outcome.seconds = time.perf_counter() - began
        return self.outcome

    async def _call_again(self, number: int, ends: float) -> None:
        while time.perf_counter() < ends:
            await self._once(number)

    async def _call_on_schedule(self, number: int, ends: float) -> None:
        assert self._plan.calls_per_s is not None
        pause_s = self._plan.caller_count / self._plan.calls_per_s
        due = time.perf_counter() + pause_s * number / self._plan.caller_count
        while (now := time.perf_counter()) < ends:
            if due > now:
                await asyncio.sleep(due - now)
                continue
            # What was missed is not made up for later.
            due = max(due + pause_s, now)
            await self._once(number)

    async def _once(self, number: int) -> None:
        outcome, began = self.outcome, time.perf_counter()
        outcome.offered += 1
        try:
            await self._call(number, self._plan.deadline_s)
        except RpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and _has_retry_info(error):
                outcome.refused += 1
            else:
                name = error.code().name
                outcome.failed[name] = outcome.failed.get(name, 0) + 1
        else:
            now, plan = time.perf_counter(), self._plan
            outcome.answered += 1
            outcome.steadily += 0 <= now - self._began - plan.lead_s <= plan.seconds
            outcome.latencies_s.append(now - began)


def _has_retry_info(error: Any) -> bool:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return b"google.rpc.RetryInfo" in value
    return False


async def _run(plan: Plan) -> Outcome:
    # A pool of its own for each: else channels to one address share one connection.
    options = [("grpc.use_local_subchannel_pool", 1)]
    count = min(plan.connection_count, plan.caller_count)
    address = plan.embedding if plan.kind == "embed" else plan.learner
    channels = [grpc.aio.insecure_channel(address, options) for _ in range(count)]
    await asyncio.gather(*(channel.channel_ready() for channel in channels))
    try:
        return await Callers(plan, work(plan.kind, channels, channels)).run()
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))


def main() -> None:
    # The callers would have machines of their own: they take what the servers leave of this one.
    os.nice(10)
    plan = Plan(**json.loads(Path(sys.argv[1]).read_text()))
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        outcome = runner.run(_run(plan))
    Path(sys.argv[2]).write_text(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
