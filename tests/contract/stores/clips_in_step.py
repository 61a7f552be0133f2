"""Changes to the clips of one pool, as rules of the model test."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from aloe.learner.domain.clip_changes import ClipUpdate, ImportRules
from aloe.learner.domain.pool import Clip
from aloe.values.duplicates import DuplicateRule

from .conftest import DIM, new_clips, new_pool
from .in_step import Both

CLIP_COUNT = 6
ALL_IDS = [*(f"clip-{n}" for n in range(CLIP_COUNT)), "a", "b", "c"]
IDS = st.sampled_from(ALL_IDS)
NAMES = st.sampled_from(["site", "snr"])
# So long that a clip has room for three of them only.
LONG = st.sampled_from(["long-1", "long-2", "long-3", "long-4"])
ATTRIBUTES = st.dictionaries(NAMES, st.sampled_from(["north", 3.5]), max_size=2) | st.dictionaries(
    LONG, st.just("x" * 1_024), max_size=3
)
NEW_CLIPS = st.builds(
    Clip,
    IDS,
    st.integers(0, CLIP_COUNT + 2).map(lambda number: f"hash-{number}"),
    other_ids=st.lists(IDS, max_size=2, unique=True).map(tuple),
    attributes=ATTRIBUTES,
)
UPDATES = st.builds(ClipUpdate, IDS, ATTRIBUTES, st.lists(NAMES, max_size=1), st.booleans())
RULES = st.builds(ImportRules, st.sampled_from(DuplicateRule), st.booleans())


class ClipsInStep(RuleBasedStateMachine):
    """Calls on one pool, of six clips at first."""

    def __init__(self, both: Both) -> None:
        super().__init__()
        self.both = both
        self.pool = new_pool()

    def create_pool(self) -> None:
        self.both.call(lambda store, _: store.create_pool(self.pool))
        self.both.call(lambda store, _: store.append_clips(self.pool, *new_clips(CLIP_COUNT)))

    @rule(clips=st.lists(NEW_CLIPS, max_size=4, unique_by=lambda clip: clip.clip_id), rules=RULES)
    def append(self, clips, rules):
        vectors = np.array(
            [[int(clip.content_hash.removeprefix("hash-"))] * DIM for clip in clips], np.float32
        ).reshape(-1, DIM)
        self.both.call(lambda store, _: store.append_clips(self.pool, clips, vectors, rules))

    @rule(clip_ids=st.lists(IDS, max_size=3))
    def remove(self, clip_ids):
        self.both.call(lambda store, _: store.remove_clips(self.pool, clip_ids))

    @rule(updates=st.lists(UPDATES, max_size=3))
    def update(self, updates):
        self.both.call(lambda store, _: store.update_clips(self.pool, updates))

    @rule(clip_id=IDS, new_id=IDS)
    def rename(self, clip_id, new_id):
        self.both.call(lambda store, _: store.rename_clip(self.pool, clip_id, new_id))
