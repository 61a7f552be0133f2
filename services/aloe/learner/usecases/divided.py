"""Which recordings have windows both to learn from and to judge heads by.

Neighbouring windows sound alike, so that scores on some of a recording that others of it taught are
better than on recordings that nobody has heard.
"""

from collections.abc import Sequence

import numpy as np

from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.events import are
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.task import Task
from aloe.learner.ports.store import Store
from aloe.values.states import ClipState

_OF_TRAIN = ClipState.LABELED, ClipState.ABSTAINED
_HELD_OUT = ClipState.VALIDATION, ClipState.TEST


async def divided_recordings(
    store: Store, pools: PoolCache, tasks: TaskCache, task: Task, changes: Sequence[LabelChange]
) -> list[str]:
    """Return the recordings of some labels that have labels of both kinds with these, sorted."""
    if not await store.list_recording_ids(await store.read_pool(task.pool_id)):
        return []
    pool = await pools.fresh(task.pool_id)
    view = (await tasks.fresh(task.task_id)).view
    view.grow(pool.row_count)
    states = view.states[: pool.row_count].copy()
    rows = np.array([change.row for change in changes], np.int64)
    there = rows < len(states)
    states[rows[there]] = np.array([change.state for change in changes], np.int8)[there]
    recordings = await pool.columns.recordings(pool.row_count)
    touched, train, held_out = (
        set(np.unique(recordings.codes[of]).tolist()) - {-1}
        for of in (
            rows[there],
            np.flatnonzero(are(states, _OF_TRAIN)),
            np.flatnonzero(are(states, _HELD_OUT)),
        )
    )
    return sorted(recordings.texts[code] for code in touched & train & held_out)
