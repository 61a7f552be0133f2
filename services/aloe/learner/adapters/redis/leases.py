"""Leases in Redis: clips that oracles hold for a while."""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.scripts import guarded
from aloe.learner.adapters.redis.task_scripts import TaskScripts, milliseconds
from aloe.learner.adapters.refusals import LEASE_IDS
from aloe.learner.domain.leases import Lease, LeaseOutcome, LeaseRequest, Pick, Reason
from aloe.learner.domain.task import Task
from aloe.learner.ports.tasks import REQUEST_LIFE
from aloe.values.states import PoolState


class RedisLeases(TaskScripts):
    """What a TaskStore does with leases."""

    @guarded
    async def lease(self, task: Task, request: LeaseRequest) -> LeaseOutcome:
        reply = await self._change(
            task,
            "lease",
            request.oracle_id,
            json.dumps([_sent(pick) for pick in request.ranking]),
            # Of a complete ranking none is outside.
            0 if request.is_complete else request.basis.row_count,
            request.max_count,
            milliseconds(request.duration),
            uuid.uuid4().hex,
            milliseconds(REQUEST_LIFE),
            request.head_version,
            codec.dump_strategy(request.query_strategy),
            # As lines, of which the script reads those that it needs.
            "".join(f"{pick.content_hash}\n" for pick in request.ranking),
            codec.dump_basis(request.basis),
            request_key=_request_key(request.request_id),
        )
        return _outcome(reply)

    @guarded
    async def leased(self, task: Task, request_id: str) -> LeaseOutcome | None:
        replies = await self._fetch(task, "read_request", request_key=_request_key(request_id))
        return _outcome(json.loads(replies[0])) if replies else None

    @guarded
    async def release(self, task: Task, oracle_id: str, lease_ids: Sequence[str]) -> int:
        reply = await self._change(
            task, "release", oracle_id, json.dumps(list(lease_ids)), fields=LEASE_IDS
        )
        return int(reply["released"])

    @guarded
    async def renew(
        self, task: Task, oracle_id: str, lease_ids: Sequence[str], duration: timedelta
    ) -> datetime:
        reply = await self._change(
            task,
            "renew",
            oracle_id,
            json.dumps(list(lease_ids)),
            milliseconds(duration),
            fields=LEASE_IDS,
        )
        return codec.time_of_ms(reply["expires"])


def _request_key(request_id: str) -> str:
    return f"query:{request_id}"


def _outcome(reply: dict[str, Any]) -> LeaseOutcome:
    expire_time = codec.time_of_ms(reply["expires"])
    return LeaseOutcome(
        leases=tuple(
            Lease(lease_id, _pick(pick), expire_time) for lease_id, *pick in reply["leases"]
        ),
        pool_state=PoolState(reply["state"]),
        head_version=reply["head_version"],
        query_strategy=codec.load_strategy(reply.get("strategy", "")),
    )


def _sent(pick: Pick) -> Sequence[Any]:
    """Write a pick for the script, which puts the hash in the fourth place."""
    if not pick.is_audit and pick.reason is None:
        return pick[:3]
    return (*pick[:3], "", int(pick.is_audit), *(pick.reason or ()))


def _pick(found: Sequence[Any]) -> Pick:
    row, score, predicted, content_hash, *more = found
    is_audit, *reason = more or (0,)
    return Pick(
        row, score, predicted, content_hash, bool(is_audit), Reason(*reason) if reason else None
    )
