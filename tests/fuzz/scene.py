"""A stack to call, with pools and tasks in it, and what is seen of it from outside."""

import hashlib
import random
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
import redis
from google.protobuf.descriptor import MethodDescriptor
from tests.fuzz.memory import resident_mib

from aloe.client import (
    AdamRecipe,
    KnownLabel,
    LearnerClient,
    NewClip,
    NotFound,
    Split,
    connect,
)
from aloe.local import LocalStack

DIM = 8
CLASSES = ("yes", "no", "may be")
ORACLES = ("ann", "bob", "cy@host:1")
POOL, AUDIO_POOL = "fuzz", "fuzz-audio"
TASKS = ("fuzz-0", "fuzz-1")
SCRATCH_POOLS = tuple(f"scratch-pool-{n}" for n in range(5))
SCRATCH_TASKS = tuple(f"scratch-task-{n}" for n in range(5))
_CLIP_COUNT = 60
_QUICK = AdamRecipe(learning_rate=0.1, epoch_count=10)
_SETTLING_S = 30.0
_SHOWN_OF_TRACE = 6_000


class Scene:
    """Pools and tasks of known names."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._redis = redis.Redis.from_url(stack.redis_url)

    def renew(self) -> None:
        """Make all anew, so that what services hold is what they hold of this."""
        with connect(self._stack.learner_address) as client:
            for task in client.list_tasks():
                client.delete_task(task.task_id)
            for pool in client.list_pools():
                client.delete_pool(pool.pool_id)
            client.create_pool(POOL, encoder_fingerprint="made-by-the-fuzz", embedding_dim=DIM)
            client.create_pool(AUDIO_POOL, keep_audio=True)
            vectors = np.random.default_rng(3).normal(size=(_CLIP_COUNT, DIM)).astype(np.float32)
            client.import_clips(
                POOL, [NewClip(_clip_id(row), None, vectors[row]) for row in range(_CLIP_COUNT)]
            )
            for task_id in TASKS:
                client.create_task(task_id, POOL, CLASSES, head_recipe=_QUICK)
                _label(client, task_id)

    def settle(self) -> None:
        """Give leases back and wait for heads in training, so that nothing changes by itself."""
        with connect(self._stack.learner_address) as client:
            ends = time.monotonic() + _SETTLING_S
            for task in client.list_tasks():
                with suppress(NotFound):
                    for oracle_id in ORACLES:
                        client.release_leases(task.task_id, oracle_id)
                    while client.get_task(task.task_id).training_head_version is not None:
                        if time.monotonic() > ends:
                            return
                        time.sleep(0.05)

    def digest(self) -> dict[str, str]:
        """Return what Redis holds for good, by key: answers that are remembered for a day go."""
        found = {}
        for key in self._redis.scan_iter(count=1_000):
            content = self._redis.dump(key)
            if content is not None and self._redis.pttl(key) < 0:
                found[key.decode()] = hashlib.sha256(content).hexdigest()
        return found

    def memory_mib(self) -> dict[str, float]:
        """Return the resident memory of each service with the processes it started."""
        return {
            name: resident_mib(pid)
            for name, pid in self._stack.pids.items()
            if name != "Redis" and pid is not None
        }

    def traces(self) -> list[str]:
        """Return what the services logged with a trace, which no call may cause."""
        logs = {
            log.name: log.read_text(errors="replace") for log in self._stack.log_dir.glob("*.log")
        }
        return [
            f"{name}: {text[found.start() :][:_SHOWN_OF_TRACE]}"
            for name, text in logs.items()
            for found in re.finditer(r"^.*\n?Traceback", text, re.MULTILINE)
        ]

    def log_bytes(self) -> int:
        """Return the length of all logs."""
        return sum(log.stat().st_size for log in self._stack.log_dir.glob("*.log"))


def tame_texts(method: MethodDescriptor) -> Mapping[str, Sequence[str]]:
    """Return strings that are right for a method, by the field's name; few, so that calls meet."""
    pools, tasks = [f"pools/{POOL}", f"pools/{AUDIO_POOL}"], [f"tasks/{each}" for each in TASKS]
    clips = [f"pools/{POOL}/clips/{_clip_id(row)}" for row in range(_CLIP_COUNT)]
    scratch_pools = [f"pools/{each}" for each in SCRATCH_POOLS]
    scratch_tasks = [f"tasks/{each}" for each in SCRATCH_TASKS]
    named = {
        "GetPool": pools,
        "RefitPool": [*pools, *scratch_pools],
        "DeletePool": scratch_pools,
        "GetTask": tasks,
        "DeleteTask": scratch_tasks,
        "UpdateTask": tasks,
        "ChangeClasses": [*CLASSES, "later"],
    }
    return {
        "pool": [*pools, *scratch_pools],
        "task": [*tasks, *tasks, *scratch_tasks],
        "name": named.get(method.name, clips),
        "names": clips,
        "clip": clips,
        "pool_id": SCRATCH_POOLS,
        "task_id": SCRATCH_TASKS,
        "clip_id": [_clip_id(row) for row in range(2 * _CLIP_COUNT)],
        "new_id": [_clip_id(row) for row in range(2 * _CLIP_COUNT)],
        "other_ids": [f"other-{number}" for number in range(20)],
        "oracle_id": ORACLES,
        "classes": CLASSES,
        "new_name": [*CLASSES, "later"],
        "into": [*CLASSES, "later"],
        "hotkey": ["", "a", "b"],
        "label": CLASSES,
        "paths": ["label_budget", "head_recipe", "query_strategy.selection_rule", "stopping_rule"],
        "page_token": ["", "1", "5-0"],
        "request_id": ["", *(f"request-{number}" for number in range(50))],
        "lease_ids": [f"lease-{number}" for number in range(5)],
        "encoder_id": ["", "logmel"],
        "encoder_fingerprint": ["", "made-by-the-fuzz"],
        "fingerprint": [""],
        "content_hash": ["", "0123456789abcdef" * 2],
        "uri": ["", "file:///nowhere.wav"],
        "filter": ["", "site = north", "clip_id < clip-0030 AND NOT snr > 1", "state = unlabeled"],
        "key": ["site", "snr", "made"],
        "removed_attributes": ["site", "snr"],
        "service": ["", "aloe.v1.LearnerService"],
    }


def _clip_id(row: int) -> str:
    return f"clip-{row:04d}"


def _label(client: LearnerClient, task_id: str) -> None:
    rng = random.Random(task_id)
    labels = [KnownLabel(_clip_id(row), CLASSES[row % len(CLASSES)]) for row in range(9)]
    labels += [
        KnownLabel(_clip_id(row), rng.choice(CLASSES), Split.VALIDATION) for row in range(50, 60)
    ]
    client.import_labels(task_id, labels)
