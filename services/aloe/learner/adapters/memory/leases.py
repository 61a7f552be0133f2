"""Leases in memory: clips that oracles hold for a while."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from aloe.learner.adapters.memory.state import HeldLease, StoredTask, milliseconds
from aloe.learner.adapters.memory.task_table import (
    TaskTable,
    check_budget,
    check_leases,
    check_not_lost,
    end_leases,
    expire_leases,
)
from aloe.learner.adapters.refusals import LEASE_IDS
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.leases import (
    LabelChange,
    Lease,
    LeaseOutcome,
    LeaseRequest,
    Pick,
    RankingTooShort,
)
from aloe.learner.domain.task import Task
from aloe.values.states import ClipState, EventKind, PoolState


class MemoryLeases(TaskTable):
    """What a TaskStore does with leases."""

    async def lease(self, task: Task, request: LeaseRequest) -> LeaseOutcome:
        stored, now = self._fenced(task), self._now()
        replay = stored.leased.find(request.request_id, now)
        if replay is not None:
            return replay
        expire_leases(stored, now)
        room, left = stored.budget_left, _oracle_left(stored, request.oracle_id)
        taken = _first_free(stored, request, min(request.max_count, room, left))
        expire_time = now + milliseconds(request.duration)
        prefix = uuid.uuid4().hex
        leases = tuple(
            Lease(f"{prefix}-{place}", pick, expire_time) for place, pick in enumerate(taken, 1)
        )
        for lease in leases:
            pick = lease.pick
            held = HeldLease(
                pick.row, request.oracle_id, expire_time, pick.content_hash, pick.is_audit
            )
            stored.open_lease(lease.lease_id, held)
        if leases:
            _log_leased(stored, request, leases)
            state = PoolState.OPEN
        elif room <= 0:
            state = PoolState.BUDGET_SPENT
        elif left <= 0:
            state = PoolState.ORACLE_LIMIT
        else:
            state = PoolState.ALL_LEASED if stored.holds else PoolState.EXHAUSTED
        outcome = LeaseOutcome(leases, state, request.head_version, request.query_strategy)
        stored.leased.keep(request.request_id, outcome, now)
        return outcome

    async def leased(self, task: Task, request_id: str) -> LeaseOutcome | None:
        return self._fenced(task).leased.find(request_id, self._now())

    async def release(self, task: Task, oracle_id: str, lease_ids: Sequence[str]) -> int:
        stored, now = self._fenced(task), self._now()
        expire_leases(stored, now)
        check_leases(stored, oracle_id, lease_ids, LEASE_IDS)
        held = [
            lease_id
            for lease_id in dict.fromkeys(lease_ids or stored.holds.values())
            if stored.leases[lease_id].is_open and stored.leases[lease_id].oracle_id == oracle_id
        ]
        end_leases(stored, held, now, EventKind.LEASES_RELEASED, oracle_id)
        return len(held)

    async def renew(
        self, task: Task, oracle_id: str, lease_ids: Sequence[str], duration: timedelta
    ) -> datetime:
        stored, now = self._fenced(task), self._now()
        expire_leases(stored, now)
        check_leases(stored, oracle_id, lease_ids, LEASE_IDS)
        check_not_lost(stored, lease_ids, LEASE_IDS, answered_is_lost=True)
        ended = [place for place, each in enumerate(lease_ids) if not stored.leases[each].is_open]
        check_budget(stored, ended, LEASE_IDS)
        expire_time = now + milliseconds(duration)
        leases = [stored.leases[lease_id] for lease_id in lease_ids]
        for lease, lease_id in zip(leases, lease_ids, strict=True):
            stored.open_lease(lease_id, replace(lease, end_time=expire_time, is_open=True))
        stored.log(
            EventKind.LEASES_RENEWED,
            [LabelChange(lease.row, ClipState.LEASED, NO_CLASS) for lease in leases],
            oracle_id=oracle_id,
            lease_ids=tuple(lease_ids),
            content_hashes=tuple(lease.content_hash for lease in leases),
        )
        return expire_time


def _oracle_left(stored: StoredTask, oracle_id: str) -> float:
    """Return how many more clips an oracle may hold."""
    limit = stored.task.max_leases_per_oracle
    if limit is None:
        return float("inf")
    held = (stored.leases[lease_id] for lease_id in stored.holds.values())
    return max(0, limit - sum(lease.oracle_id == oracle_id for lease in held))


def _first_free(stored: StoredTask, request: LeaseRequest, most: float) -> list[Pick]:
    """Return the first free clips of a ranking, at most so many. Raises RankingTooShort."""
    free = [
        pick
        for pick in request.ranking
        if pick.row not in stored.labels and pick.row not in stored.holds
    ]
    taken = free[: int(most)]
    others = 0 if request.is_complete else request.basis.row_count
    if len(taken) < min(most, others - len(stored.labels) - len(stored.holds)):
        raise RankingTooShort
    return taken


def _log_leased(stored: StoredTask, request: LeaseRequest, leases: Sequence[Lease]) -> None:
    reasons = tuple(lease.pick.reason for lease in leases)
    stored.log(
        EventKind.CLIPS_LEASED,
        [
            LabelChange(lease.pick.row, ClipState.LEASED, NO_CLASS, is_audit=lease.pick.is_audit)
            for lease in leases
        ],
        oracle_id=request.oracle_id,
        lease_ids=tuple(lease.lease_id for lease in leases),
        scores=tuple(lease.pick.score for lease in leases),
        reasons=reasons if any(reasons) else (),
        head_version=request.head_version,
        query_strategy=request.query_strategy,
        basis=request.basis,
        content_hashes=tuple(lease.pick.content_hash for lease in leases),
    )
