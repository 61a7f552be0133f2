"""Many inputs are computed in pieces, of which a caller who has gone stops the next ones."""

import asyncio

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from aloe.admission.errors import Overloaded
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.usecases.probabilities import MAX_ANSWER_BYTES, Probabilities, check_answer

DIM, CLASS_COUNT = 64, 1_000
RNG = np.random.default_rng(0)
HEAD = Head(
    1,
    RNG.normal(size=(DIM, CLASS_COUNT)).astype(np.float32),
    RNG.normal(size=CLASS_COUNT).astype(np.float32),
)


def embeddings(row_count: int):
    return RNG.normal(size=(row_count, DIM)).astype(np.float32)


@pytest.mark.parametrize("row_count", [0, 1, 17, 1_048, 1_049, 3_000])
async def test_pieces_give_what_the_whole_gives(row_count):
    given = embeddings(row_count)
    found = await Probabilities().of(HEAD, given)
    assert_array_equal(found, class_probabilities(HEAD, given))


async def test_a_caller_who_has_gone_stops_the_next_pieces_and_frees_the_room():
    probabilities = Probabilities()
    running = asyncio.create_task(probabilities.of(HEAD, embeddings(100_000)))
    await asyncio.sleep(0)
    assert probabilities._budget.used("bytes")
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert probabilities._budget.used("bytes") == 0
    # What waited in its piece's thread would come before this.
    assert probabilities._threads.submit(lambda: "free").result(timeout=5) == "free"


async def test_more_than_the_process_works_on_is_refused_with_a_time_to_come_again():
    probabilities = Probabilities()
    with probabilities._budget.enter(bytes=1024**3 - 1), pytest.raises(Overloaded):
        await probabilities.of(HEAD, embeddings(100))


def test_an_answer_larger_than_a_message_is_refused_before_anything_is_computed():
    classes = [f"class-{number:04}" for number in range(1_000)]
    most = MAX_ANSWER_BYTES // (4 * 1_000 + 10 + 4)
    check_answer(classes, most)
    with pytest.raises(InvalidInput, match=rf"give at most {most:,} at a time"):
        check_answer(classes, most + 1)
    with pytest.raises(InvalidInput, match=r"500,000 inputs of 1,000 classes"):
        check_answer(classes, 500_000)
