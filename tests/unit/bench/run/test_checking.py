"""Where the rounds of a run are divided so that heads can be checked: by hand."""

import pytest

from aloe.bench.run.checking import stretches


def divided(*counts: int, rounds: int | None, seed_count: int = 0, batch_size: int = 10):
    found = stretches(counts, rounds, seed_count=seed_count, batch_size=batch_size)
    return list(found)


@pytest.mark.parametrize(
    ("rounds", "seed_count", "batch_size", "expected"),
    [
        (None, 0, 10, [5, 5, None]),
        (12, 0, 10, [5, 5, 2]),
        (10, 0, 10, [5, 5]),
        (3, 0, 10, [3]),
        # 48 and 96 labels are the last ones below 50 and 100.
        (None, 0, 12, [4, 4, None]),
        # The first head has more than 50 labels; that of 90 is the last one below 100.
        (None, 60, 30, [1, None]),
        (None, 200, 10, [None]),
    ],
)
def test_stretches_end_with_the_last_head_up_to_each_count(
    rounds: int | None, seed_count: int, batch_size: int, expected: list[int | None]
):
    found = divided(50, 100, rounds=rounds, seed_count=seed_count, batch_size=batch_size)
    assert found == expected


def test_without_counts_a_run_is_one_stretch():
    assert divided(rounds=7) == [7]
    assert divided(rounds=None) == [None]
