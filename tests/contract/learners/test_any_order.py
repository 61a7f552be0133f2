"""Whatever is called in whatever order, and however often the store goes back: nothing moves."""

import uuid

import pytest

from .stories import Story
from .worlds import world_on

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize(
    ("first_seed", "seed_count", "step_count"),
    [(0, 8, 60), pytest.param(100, 45, 150, marks=pytest.mark.slow)],
)
async def test_labels_may_be_lost_but_are_never_moved(
    redis_url: str, first_seed: int, seed_count: int, step_count: int
):
    for seed in range(first_seed, first_seed + seed_count):
        async with world_on(redis_url, uuid.uuid4().hex) as world:
            story = Story(world, seed)
            try:
                await story.run(step_count)
            except BaseException as error:
                error.add_note(f"seed {seed}, after {story.steps}")
                raise
