"""Redis and both services as child processes of this one, on this machine."""

from aloe.local.child import ChildFailed, tethered
from aloe.local.data_folder import redis_of, running_redis
from aloe.local.redis_server import REDIS_REMEDY, NoRedis, find_redis_server
from aloe.local.stack import HearFiles, LocalStack, StackOptions

__all__ = [
    "REDIS_REMEDY",
    "ChildFailed",
    "HearFiles",
    "LocalStack",
    "NoRedis",
    "StackOptions",
    "find_redis_server",
    "redis_of",
    "running_redis",
    "tethered",
]
