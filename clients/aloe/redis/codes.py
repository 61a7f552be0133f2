"""What Redis means by an error: the one place that reads its codes and words.

Servers from Redis 6.2 on and Valkey word the same refusal differently, redis-py takes some codes
off and makes classes of them, a pipeline puts the command in front, a script its place around it.
"""

import re
from enum import Enum

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterDownError,
    ClusterError,
    ExecAbortError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError


class Trouble(Enum):
    """What an error means to whoever called."""

    AWAY = "away"
    """Redis cannot be reached; a change may have happened."""
    NOT_NOW = "not now"
    """It serves nothing, or takes no changes, and comes back by itself or by its operator."""
    FULL = "full"
    """It has no room for a change, in memory or on disk."""
    FORBIDDEN = "forbidden"
    """It refuses the login, or forbids its user what ALOE needs: someone has to change that."""
    DAMAGED = "damaged"
    """A key holds what ALOE did not write."""
    DEFECT = "defect"
    """Anything else: a mistake of ours."""


DAMAGED = "STORE_DAMAGED"
"""The code of our own scripts: a key follows, then what is wrong in brackets."""

_TROUBLES = {
    "OOM": Trouble.FULL,
    "MISCONF": Trouble.FULL,
    "LOADING": Trouble.NOT_NOW,
    "BUSY": Trouble.NOT_NOW,
    "UNKILLABLE": Trouble.NOT_NOW,
    "KILLED": Trouble.NOT_NOW,
    "READONLY": Trouble.NOT_NOW,
    "MASTERDOWN": Trouble.NOT_NOW,
    "NOREPLICAS": Trouble.NOT_NOW,
    "CLUSTERDOWN": Trouble.NOT_NOW,
    "CLUSTER": Trouble.NOT_NOW,
    "TRYAGAIN": Trouble.NOT_NOW,
    "MOVED": Trouble.NOT_NOW,
    "ASK": Trouble.NOT_NOW,
    "EXECABORT": Trouble.NOT_NOW,
    "NOSCRIPT": Trouble.NOT_NOW,
    "NOPERM": Trouble.FORBIDDEN,
    "NOAUTH": Trouble.FORBIDDEN,
    "WRONGPASS": Trouble.FORBIDDEN,
    "WRONGTYPE": Trouble.DAMAGED,
    DAMAGED: Trouble.DAMAGED,
}
_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    # Of these redis-py took the code off; classes that others derive from come behind those.
    (AuthenticationError, "NOAUTH"),
    (AuthenticationWrongNumberOfArgsError, "NOAUTH"),
    (NoPermissionError, "NOPERM"),
    (OutOfMemoryError, "OOM"),
    (BusyLoadingError, "LOADING"),
    (ReadOnlyError, "READONLY"),
    (MasterDownError, "MASTERDOWN"),
    (ClusterCrossSlotError, "CROSSSLOT"),
    (ClusterDownError, "CLUSTERDOWN"),
    (TryAgainError, "TRYAGAIN"),
    (MovedError, "MOVED"),
    (AskError, "ASK"),
    (ExecAbortError, "EXECABORT"),
    (NoScriptError, "NOSCRIPT"),
    (ClusterError, "CLUSTER"),
    (RedisClusterException, "CLUSTER"),
)
_WORDS = (
    # What has no code of its own, or has it in some versions only.
    ("ACL failure in script", "NOPERM"),
    ("The user executing the script can't", "NOPERM"),
    ("Script killed by user", "KILLED"),
)
_AWAY = (RedisConnectionError, RedisTimeoutError, OSError)
_COMMAND = "caused error: "
"""Ends what a pipeline puts in front."""
_FRONT = re.compile(r"Error running script \(call to \w+\): @\w+:\d+: (?:@\w+: \d+: )?-?")
"""What Redis 6 puts in front of an error in a script."""
_BACK = re.compile(r" script: \w+, on @?\w+:\d+\.?$")
"""What later ones put behind it."""
_CODE = re.compile(r"-?([A-Z][A-Z_]+)\b")
_DAMAGE = re.compile(DAMAGED + r" (\S+) \((.*)\)$", re.DOTALL)


def said_by(error: BaseException) -> str:
    """Return what Redis said, without the command and the place in a script."""
    return _BACK.sub("", _FRONT.sub("", str(error).rpartition(_COMMAND)[2]))


def code_of(error: BaseException) -> str:
    """Return the code of an error: "OOM", for instance; empty where it has none."""
    for kind, code in _CLASSES:
        if isinstance(error, kind):
            return code
    if not isinstance(error, RedisError):
        return ""
    said = said_by(error)
    for words, code in _WORDS:
        if words in said:
            return code
    found = _CODE.match(said)
    return found[1] if found else ""


def trouble_of(error: BaseException) -> Trouble:
    """Return what an error of redis-py or of the network means."""
    known = _TROUBLES.get(code_of(error))
    if known is not None:
        return known
    return Trouble.AWAY if isinstance(error, _AWAY) else Trouble.DEFECT


def damage_in(error: BaseException) -> tuple[str, str]:
    """Return the key that a script found damaged and what is wrong with it; the former may lack."""
    found = _DAMAGE.search(said_by(error))
    return (found[1], found[2]) if found else ("", "it is of another kind")
