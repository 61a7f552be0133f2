"""The ways in which the saboteur breaks things, and how often each comes."""

from enum import Enum


class Fault(Enum):
    """The ways in which it breaks things."""

    KILL_LEARNER = "kill_learner"
    KILL_ALL_LEARNERS = "kill_all_learners"
    KILL_REDIS = "kill_redis"
    KILL_EMBEDDING = "kill_embedding"
    STOP_LEARNER = "stop_learner"
    STOP_REDIS = "stop_redis"
    STOP_EMBEDDING = "stop_embedding"
    CUT_REDIS = "cut_redis"
    HALF_CLOSE_REDIS = "half_close_redis"
    LOSE_REDIS_REPLIES = "lose_redis_replies"
    SLOW_REDIS = "slow_redis"
    CUT_ORACLES = "cut_oracles"
    HALF_CLOSE_ORACLES = "half_close_oracles"
    LOSE_LEARNER_REPLIES = "lose_learner_replies"
    SLOW_ORACLES = "slow_oracles"
    ROLL_BACK_FILES = "roll_back_files"
    ROLL_BACK_FAILOVER = "roll_back_failover"
    ROLL_BACK_LIVE = "roll_back_live"
    CLOCK_JUMP = "clock_jump"
    FULL_DISK = "full_disk"
    OOM = "oom"
    BUSY = "busy"
    READONLY = "readonly"
    WRONG_TYPE = "wrong_type"
    STALLED_STREAMS = "stalled_streams"


WEIGHTS = {
    Fault.KILL_LEARNER: 5,
    Fault.KILL_ALL_LEARNERS: 1,
    Fault.KILL_REDIS: 3,
    Fault.KILL_EMBEDDING: 1,
    Fault.STOP_LEARNER: 4,
    Fault.STOP_REDIS: 2,
    Fault.STOP_EMBEDDING: 1,
    Fault.CUT_REDIS: 4,
    Fault.HALF_CLOSE_REDIS: 2,
    Fault.LOSE_REDIS_REPLIES: 4,
    Fault.SLOW_REDIS: 3,
    Fault.CUT_ORACLES: 4,
    Fault.HALF_CLOSE_ORACLES: 2,
    Fault.LOSE_LEARNER_REPLIES: 4,
    Fault.SLOW_ORACLES: 2,
    Fault.ROLL_BACK_FILES: 1,
    Fault.ROLL_BACK_FAILOVER: 1,
    Fault.ROLL_BACK_LIVE: 1,
    Fault.CLOCK_JUMP: 2,
    Fault.FULL_DISK: 2,
    Fault.OOM: 2,
    Fault.BUSY: 2,
    Fault.READONLY: 2,
    Fault.WRONG_TYPE: 3,
    Fault.STALLED_STREAMS: 2,
}
