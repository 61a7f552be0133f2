"""Whatever is called in whatever order, and however often the store goes back: nothing moves."""

import uuid

import pytest

from aloe.values.strategies import (
    PAPER_STRATEGY,
    AcquisitionFunction,
    QueryStrategy,
    SelectionRule,
)

from .stories import Story
from .worlds import world_on

ON_GRAPH = QueryStrategy(AcquisitionFunction.MCV_OPT, SelectionRule.CLASS_AGNOSTIC)
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize(
    ("strategy", "first_seed", "seed_count", "step_count"),
    [
        (PAPER_STRATEGY, 0, 8, 60),
        (ON_GRAPH, 50, 2, 60),
        pytest.param(PAPER_STRATEGY, 100, 45, 150, marks=pytest.mark.slow),
        pytest.param(ON_GRAPH, 200, 15, 150, marks=pytest.mark.slow),
    ],
)
async def test_labels_may_be_lost_but_are_never_moved(
    redis_url: str, strategy: QueryStrategy, first_seed: int, seed_count: int, step_count: int
):
    for seed in range(first_seed, first_seed + seed_count):
        async with world_on(redis_url, uuid.uuid4().hex) as world:
            story = Story(world, seed, query_strategy=strategy)
            try:
                await story.run(step_count)
            except BaseException as error:
                error.add_note(f"seed {seed}, after {story.steps}")
                raise
