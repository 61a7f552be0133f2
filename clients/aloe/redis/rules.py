"""Which Redis keeps labels: what is refused, what is told, and what helps. Pure; the only place."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeAlias

OLDEST = (6, 2)
_CLOCK_S = 3.0
_LAG_S = 10
_FULL = 0.9


class ConcernKind(Enum):
    """What may be wrong; metrics have the values as their label."""

    VERSION = "version"
    MODE = "mode"
    REPLICA = "replica"
    EVICTION = "eviction"
    NO_APPEND_ONLY_FILE = "no_append_only_file"
    FSYNC = "fsync"
    WRITE_ERROR = "write_error"
    REWRITE_ERROR = "rewrite_error"
    SNAPSHOT_ERROR = "snapshot_error"
    MEMORY = "memory"
    TOO_FEW_REPLICAS = "too_few_replicas"
    REPLICAS_BEHIND = "replicas_behind"
    REPLICAS_NOT_AWAITED = "replicas_not_awaited"
    CLOCK = "clock"
    HIDDEN = "hidden"
    UNREACHABLE = "unreachable"
    """It does not answer; what else it may be is not known meanwhile."""


@dataclass(frozen=True, slots=True)
class Concern:
    """Something about a Redis that may cost labels."""

    kind: ConcernKind
    found: str
    """Goes on after "this Redis"."""
    remedy: str
    is_refused: bool = False
    """Whether no learner starts on it."""
    server: str = ""
    """HOST:PORT of the one in a cluster that it is about."""

    @property
    def statement(self) -> str:
        """Say what is so, without the remedy."""
        return (
            f"the Redis at {self.server} {self.found}"
            if self.server
            else f"this Redis {self.found}"
        )

    def __str__(self) -> str:
        return f"{self.statement}: {self.remedy}"


Info: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """What one server tells of itself, as far as its user may see it."""

    info: Info = field(default_factory=dict)
    """INFO by field, as redis-py reads it; empty where it is not allowed."""
    fsync: str = ""
    """The setting appendfsync; empty where it is not told."""
    clock_ahead_s: float = 0.0
    """How far its clock is ahead of this machine's, less what the way there may explain."""
    hidden: tuple[str, ...] = ()
    """Commands that it does not let this user run."""
    server: str = ""
    """HOST:PORT; empty where the URL leads to one server only."""
    through_cluster: bool = False
    """Whether it was found as a part of a cluster."""


def concerns_of(standing: Standing, awaited_replica_count: int = 0) -> list[Concern]:
    """Judge a server; changes may be acknowledged once some number of replicas have them."""
    found = [*_hidden(standing), *_clock(standing)]
    if standing.info:
        found += [concern for rule in _RULES for concern in rule(standing)]
        found += _replicas(standing.info, awaited_replica_count)
    return [replace(concern, server=standing.server) for concern in found]


def _hidden(standing: Standing) -> Iterator[Concern]:
    if standing.hidden:
        yield Concern(
            ConcernKind.HIDDEN,
            f"does not let its user run {' and '.join(standing.hidden)}, so that nobody can tell"
            " whether it keeps labels",
            "allow it (ACL SETUSER ... +info +config|get), or see to it that maxmemory-policy is"
            " noeviction, appendonly yes and appendfsync always",
        )


def _clock(standing: Standing) -> Iterator[Concern]:
    ahead_s = standing.clock_ahead_s
    if abs(ahead_s) > _CLOCK_S:
        yield Concern(
            ConcernKind.CLOCK,
            f"has a clock {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} this"
            " machine's, so that leases end at another time than is shown",
            "let both machines keep their time by NTP",
        )


def _mode(standing: Standing) -> Iterator[Concern]:
    mode = standing.info.get("redis_mode", "standalone")
    if mode == "sentinel":
        remedy = "give a URL redis+sentinel://HOST:PORT,HOST:PORT/MASTER"
        yield Concern(ConcernKind.MODE, "is a Sentinel, which keeps no data", remedy, True)
    elif mode == "cluster" and not standing.through_cluster:
        remedy = "give a URL redis+cluster://HOST:PORT,HOST:PORT"
        yield Concern(ConcernKind.MODE, "is one of a cluster", remedy, True)


def _version(standing: Standing) -> Iterator[Concern]:
    text = str(standing.info.get("redis_version", ""))
    parts = text.split(".")[:2]
    if all(part.isdecimal() for part in parts) and tuple(map(int, parts)) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield Concern(
            ConcernKind.VERSION,
            f"is version {text}, which lacks commands that ALOE needs",
            f"run Redis {oldest} or newer, or Valkey",
            True,
        )


def _role(standing: Standing) -> Iterator[Concern]:
    info = standing.info
    if info.get("role") == "slave":
        primary = f"{info.get('master_host', '?')}:{info.get('master_port', '?')}"
        yield Concern(
            ConcernKind.REPLICA,
            f"is a replica of {primary}, which takes no changes or loses them",
            "give the URL of the primary, or of the Sentinels",
            True,
        )


def _eviction(standing: Standing) -> Iterator[Concern]:
    policy = str(standing.info.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        return
    # Of our keys only the answers to requests have a time to live.
    lost = "labels" if policy.startswith("allkeys") else "answers by which a repeat is known"
    has_bound = bool(int(standing.info.get("maxmemory", 0)))
    yield Concern(
        ConcernKind.EVICTION,
        f"deletes keys when its memory is full (maxmemory-policy {policy}), {lost} among them"
        if has_bound
        else f"would delete keys, {lost} among them, if a maxmemory were set (maxmemory-policy"
        f" {policy})",
        "set maxmemory-policy noeviction",
        has_bound,
    )


def _persistence(standing: Standing) -> Iterator[Concern]:
    info = standing.info
    if not int(info.get("aof_enabled", 1)):
        yield Concern(
            ConcernKind.NO_APPEND_ONLY_FILE,
            "keeps no append-only file, so that labels are lost when it ends",
            "set appendonly yes",
        )
    elif standing.fsync in ("everysec", "no"):
        yield Concern(
            ConcernKind.FSYNC,
            f"has appendfsync {standing.fsync}, so that the last labels are lost when its machine"
            " fails",
            "set appendfsync always",
        )
    if info.get("aof_last_write_status", "ok") != "ok":
        yield Concern(
            ConcernKind.WRITE_ERROR,
            "cannot write its append-only file, and takes no changes",
            "make room on its disk; its log says what is wrong",
        )
    if info.get("aof_last_bgrewrite_status", "ok") != "ok":
        yield Concern(
            ConcernKind.REWRITE_ERROR,
            "could not rewrite its append-only file, which grows until its disk is full",
            "make room on its disk and in its memory, then BGREWRITEAOF; its log has more",
        )
    if info.get("rdb_last_bgsave_status", "ok") != "ok":
        yield Concern(
            ConcernKind.SNAPSHOT_ERROR,
            "could not save its last snapshot, and takes no changes if it has"
            " stop-writes-on-bgsave-error",
            "make room on its disk and in its memory, then BGSAVE; its log has more",
        )


def is_nearly_full(info: Info, more_bytes: int = 0) -> bool:
    """Whether a server that has some more bytes to keep uses nearly all that it may."""
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    return bool(most) and used + more_bytes > _FULL * most


def _memory(standing: Standing) -> Iterator[Concern]:
    if is_nearly_full(standing.info):
        used, most = (int(standing.info[name]) for name in ("used_memory", "maxmemory"))
        yield Concern(
            ConcernKind.MEMORY,
            f"uses {used / 2**20:,.0f} MB of the {most / 2**20:,.0f} MB that it may (maxmemory);"
            " when they are full it takes no changes",
            "raise maxmemory, or delete pools or tasks",
        )


def _replicas(info: Info, awaited: int) -> Iterator[Concern]:
    count = int(info.get("connected_slaves", 0))
    if count < awaited:
        yield Concern(
            ConcernKind.TOO_FEW_REPLICAS,
            f"has {count} replicas, and {awaited} must have each change (redis_replica_count):"
            " none can be acknowledged",
            "start replicas, or wait for fewer",
        )
    if not count:
        return
    behind = [number for number in range(count) if _is_behind(info.get(f"slave{number}", {}))]
    if behind:
        yield Concern(
            ConcernKind.REPLICAS_BEHIND,
            f"has {len(behind)} of {count} replicas that do not keep up: should they take over,"
            " labels are lost",
            "see whether they run and reach it",
        )
    # Told only where the setting is not 0.
    if not awaited and "min_slaves_good_slaves" not in info:
        yield Concern(
            ConcernKind.REPLICAS_NOT_AWAITED,
            "has replicas, but acknowledges labels that none of them has, which are lost if one"
            " takes over",
            "set min-replicas-to-write 1, and have the learner wait by"
            " ALOE_LEARNER_REDIS_REPLICA_COUNT=1",
        )


def _is_behind(replica: Mapping[str, Any]) -> bool:
    return replica.get("state") != "online" or int(replica.get("lag", 0)) > _LAG_S


_RULES: tuple[Callable[[Standing], Iterator[Concern]], ...] = (
    _mode, _version, _role, _eviction, _persistence, _memory,
)  # fmt: skip
