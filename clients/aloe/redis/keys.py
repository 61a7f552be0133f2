"""The keys of the learner in Redis; its store.py says what they hold.

For the learner, and for what looks whether they are whole.
"""

from collections.abc import Mapping

SCHEMA, IDENTITY = "aloe:schema", "aloe:identity"
SCHEMA_VERSION = 5
"""Of what the learner's store.py says. Older servers refuse to start on newer data."""
POOL_IDS, TASK_IDS = "aloe:pools", "aloe:tasks"
CHUNKS, MAPPED = "aloe:chunk:", "aloe:mapped:"
"""How the keys of vectors begin, and of what maps made of them."""

POOL_KINDS: Mapping[str, str] = {
    "meta": "hash",
    "clips": "list",
    "rows": "hash",
    "chunks": "list",
    "tasks": "set",
    "contents": "hash",
    "changes": "list",
    "marks": "list",
    "maps": "hash",
    "recordings": "hash",
}
"""The keys of a pool, less what is in front, and their kinds."""
TASK_KINDS: Mapping[str, str] = {
    "meta": "hash",
    "labels": "hash",
    "holds": "hash",
    "leases": "hash",
    "expiries": "zset",
    "events": "stream",
    "heads": "hash",
    "rounds": "hash",
    "promotions": "hash",
}
"""The keys of a task, less what is in front, and their kinds; in the order of task.lua."""
