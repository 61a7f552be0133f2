"""Errors as redis-py raises them for what servers said that a test may not find here."""

import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ExecAbortError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from aloe.redis.codes import Trouble, code_of, said_by, trouble_of

SIX = "Error running script (call to f_872bc670): @user_script:12: @user_script: 12: -"
SIX_PLAIN = "Error running script (call to f_872bc670): @user_script:12: "
SEVEN = " script: 872bc6701b4ac00ebb820e81652ffe2b4bc16f1b, on @user_script:12."
PIPED = "Command # 3 (EVALSHA 872bc670 9 aloe:{task:OOM }:meta) of pipeline caused error: "
NO_MEMORY = "command not allowed when used memory > 'maxmemory'."
NO_DISK = "MISCONF Errors writing to the AOF file: No space left on device"
BUSY = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
STALE = "Link with MASTER is down and replica-serve-stale-data is set to 'no'."


@pytest.mark.parametrize(
    ("error", "code", "trouble"),
    [
        (OutOfMemoryError(NO_MEMORY), "OOM", Trouble.FULL),
        (OutOfMemoryError(NO_MEMORY + SEVEN), "OOM", Trouble.FULL),
        (ResponseError(f"{SIX}OOM {NO_MEMORY}"), "OOM", Trouble.FULL),
        (ResponseError(f"{PIPED}{SIX}OOM {NO_MEMORY}"), "OOM", Trouble.FULL),
        (ResponseError(NO_DISK), "MISCONF", Trouble.FULL),
        (ResponseError(NO_DISK + SEVEN), "MISCONF", Trouble.FULL),
        (ResponseError(f"{PIPED}{SIX}{NO_DISK}"), "MISCONF", Trouble.FULL),
        (ResponseError(f"{SIX}NOREPLICAS Not enough"), "NOREPLICAS", Trouble.NOT_NOW),
        (ResponseError(f"NOREPLICAS Not enough{SEVEN}"), "NOREPLICAS", Trouble.NOT_NOW),
        (ReadOnlyError("You can't write"), "READONLY", Trouble.NOT_NOW),
        (ResponseError(f"{SIX}READONLY You can't write"), "READONLY", Trouble.NOT_NOW),
        (MasterDownError(STALE), "MASTERDOWN", Trouble.NOT_NOW),
        (BusyLoadingError("Redis is loading the dataset"), "LOADING", Trouble.NOT_NOW),
        (BusyLoadingError("Valkey is loading the dataset"), "LOADING", Trouble.NOT_NOW),
        (ResponseError(BUSY), "BUSY", Trouble.NOT_NOW),
        (ResponseError(PIPED + BUSY), "BUSY", Trouble.NOT_NOW),
        (ResponseError(BUSY.replace("Redis", "Valkey")), "BUSY", Trouble.NOT_NOW),
        (ResponseError("UNKILLABLE Sorry the script"), "UNKILLABLE", Trouble.NOT_NOW),
        (
            ResponseError(f"{SIX_PLAIN}Script killed by user with SCRIPT KILL..."),
            "KILLED",
            Trouble.NOT_NOW,
        ),
        (
            ResponseError(f"Script killed by user with SCRIPT KILL...{SEVEN}"),
            "KILLED",
            Trouble.NOT_NOW,
        ),
        (ClusterDownError("Hash slot not served"), "CLUSTERDOWN", Trouble.NOT_NOW),
        (RedisClusterException("no node is left"), "CLUSTER", Trouble.NOT_NOW),
        (MovedError("3999 127.0.0.1:6381"), "MOVED", Trouble.NOT_NOW),
        (TryAgainError("Multiple keys request"), "TRYAGAIN", Trouble.NOT_NOW),
        (ExecAbortError("Transaction discarded"), "EXECABORT", Trouble.NOT_NOW),
        (NoScriptError("No matching script."), "NOSCRIPT", Trouble.NOT_NOW),
        (AuthenticationError("Authentication required."), "NOAUTH", Trouble.FORBIDDEN),
        (NoPermissionError("this user has no permissions"), "NOPERM", Trouble.FORBIDDEN),
        (
            ResponseError(f"{SIX_PLAIN}The user executing the script can't run this command"),
            "NOPERM",
            Trouble.FORBIDDEN,
        ),
        (
            ResponseError(f"{PIPED}ACL failure in script: User u has no permissions{SEVEN}"),
            "NOPERM",
            Trouble.FORBIDDEN,
        ),
        (ResponseError("WRONGTYPE Operation against a key"), "WRONGTYPE", Trouble.DAMAGED),
        (ResponseError(f"{SIX_PLAIN}WRONGTYPE Operation"), "WRONGTYPE", Trouble.DAMAGED),
        (RedisConnectionError("Connection refused"), "", Trouble.AWAY),
        (RedisConnectionError("max number of clients reached"), "", Trouble.AWAY),
        (RedisTimeoutError("Timeout reading"), "", Trouble.AWAY),
        (OSError("OOM is a word of an OSError as well"), "", Trouble.AWAY),
        (ResponseError(f"{PIPED}unknown command 'OOM'"), "", Trouble.DEFECT),
        (ResponseError(f"{SIX_PLAIN}attempt to index a nil value"), "", Trouble.DEFECT),
    ],
)
def test_an_error_is_known_by_its_code(error, code, trouble):
    assert (code_of(error), trouble_of(error)) == (code, trouble)


@pytest.mark.parametrize(
    "wording", [f"{PIPED}{SIX}{NO_DISK}", f"{PIPED}{NO_DISK}{SEVEN}", NO_DISK, f"{NO_DISK}{SEVEN}"]
)
def test_what_was_said_is_told_without_command_and_place(wording):
    assert said_by(ResponseError(wording)) == NO_DISK
