import asyncio
import math

from tests.unit.embedding.gated_encoder import GatedEncoder, clip

from aloe.embedding.batching.batch_queue import BatchQueue, Embedded, Waiting
from aloe.embedding.batching.limits import BatchLimits

LIMITS = BatchLimits(sizes=(1, 2, 4), max_sample_count=400, patience_s=1.0)
ENCODER = GatedEncoder()


class Line:
    """A queue under test, with clips told apart by their value."""

    def __init__(self, limits: BatchLimits = LIMITS) -> None:
        self.queue = BatchQueue(limits)
        self.loop = asyncio.new_event_loop()
        self.loop.close()
        self.clips: dict[float, Waiting] = {}

    def push(
        self,
        value: float,
        *,
        length: int = 10,
        arrival: float = 0.0,
        deadline: float = math.inf,
        encoder: GatedEncoder = ENCODER,
    ) -> None:
        future = asyncio.Future[Embedded](loop=self.loop)
        self.clips[value] = Waiting(encoder, clip(value, length), length, arrival, deadline, future)
        self.queue.push(self.clips[value])

    def give_up(self, value: float) -> None:
        self.clips[value].future.cancel()

    def pop(self, now: float = 0.0, sharer_count: int = 1) -> list[float]:
        batch, _ = self.queue.pop(now, sharer_count=sharer_count)
        return [float(waiting.samples[0]) for waiting in batch.clips] if batch else []


def test_clips_of_one_length_form_a_batch_in_the_order_they_came() -> None:
    line = Line()
    for value in (1, 2, 3):
        line.push(value)
    assert line.pop() + line.pop() == [1, 2, 3]
    assert line.pop() == []


def test_a_batch_is_the_largest_size_that_the_waiting_clips_fill() -> None:
    line = Line()
    for value in (1, 2, 3):
        line.push(value)
    assert [line.pop(), line.pop()] == [[1, 2], [3]]


def test_a_batch_leaves_other_free_threads_their_part() -> None:
    line = Line()
    for value in (1, 2, 3, 4):
        line.push(value)
    assert [line.pop(sharer_count=2), line.pop()] == [[1, 2], [3, 4]]


def test_what_is_padded_to_one_size_is_not_shared() -> None:
    line = Line(BatchLimits(sizes=(4,), max_sample_count=400))
    for value in (1, 2, 3, 4):
        line.push(value)
    assert line.pop(sharer_count=2) == [1, 2, 3, 4]


def test_fewer_clips_than_the_smallest_size_are_padded_up_to_it() -> None:
    line = Line(BatchLimits(sizes=(4,), max_sample_count=400))
    for value in (1, 2, 3):
        line.push(value)
    batch, _ = line.queue.pop(0.0)
    assert batch
    assert (len(batch.clips), batch.row_count) == (3, 4)


def test_more_clips_than_a_batch_takes_are_split() -> None:
    line = Line()
    for value in range(1, 8):
        line.push(value)
    assert [line.pop(), line.pop()] == [[1, 2, 3, 4], [5, 6]]


def test_long_clips_run_in_smaller_batches() -> None:
    line = Line()
    for value in (1, 2, 3):
        line.push(value, length=200)
    assert [line.pop(), line.pop()] == [[1, 2], [3]]


def test_a_clip_over_the_sample_bound_runs_alone() -> None:
    line = Line()
    line.push(1, length=1_000)
    assert line.pop() == [1]


def test_the_fullest_line_runs_next() -> None:
    line = Line()
    line.push(1, length=20, arrival=0.0)
    line.push(2, length=10, arrival=0.1)
    line.push(3, length=10, arrival=0.2)
    assert [line.pop(0.3), line.pop(0.3)] == [[2, 3], [1]]


def test_of_equal_lines_the_one_that_waits_longest_runs_next() -> None:
    line = Line()
    line.push(1, length=20, arrival=0.2)
    line.push(2, length=10, arrival=0.1)
    assert [line.pop(0.3), line.pop(0.3)] == [[2], [1]]


def test_a_clip_that_is_due_runs_before_the_fullest_line() -> None:
    line = Line()
    line.push(1, length=20, arrival=0.0)
    for value in (2, 3, 4):
        line.push(value, length=10, arrival=0.5)
    assert line.pop(1.0) == [1]


def test_a_clip_is_due_before_its_deadline_passes() -> None:
    line = Line()
    line.push(1, length=20, arrival=0.5, deadline=2.4)
    for value in (2, 3, 4):
        line.push(value, length=10, arrival=0.5)
    assert line.pop(1.4) == [1]


def test_the_clip_that_is_due_first_runs_first_whatever_its_deadline() -> None:
    line = Line()
    line.push(1, length=20, arrival=0.0)
    line.push(2, length=10, arrival=0.9, deadline=2.1)
    assert [line.pop(1.2), line.pop(1.2)] == [[1], [2]]


def test_urgent_clips_of_one_length_overtake_the_others() -> None:
    line = Line()
    for value in range(1, 6):
        line.push(value)
    line.push(6, arrival=0.1, deadline=0.2)
    assert line.pop(0.1) == [6, 1, 2, 3]


def test_clips_whose_caller_has_gone_never_run() -> None:
    line = Line()
    for value in (1, 2, 3):
        line.push(value)
    line.give_up(1)
    line.give_up(2)
    assert line.pop() == [3]


def test_expired_clips_are_told_and_never_run() -> None:
    line = Line()
    line.push(1, deadline=0.5)
    line.push(2)
    batch, expired = line.queue.pop(0.5)
    assert batch
    assert [waiting.samples[0] for waiting in batch.clips] == [2]
    assert expired == [line.clips[1]]


def test_encoders_never_share_a_batch() -> None:
    line = Line()
    line.push(1)
    line.push(2, encoder=GatedEncoder())
    assert [line.pop(), line.pop()] == [[1], [2]]


def test_clear_takes_out_everything() -> None:
    line = Line()
    line.push(1)
    line.push(2, length=20)
    assert line.queue.depths() == {"gated": 2}
    assert len(line.queue.clear()) == 2
    assert line.pop() == []
