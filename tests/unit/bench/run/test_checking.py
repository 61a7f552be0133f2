"""Where the rounds of a run are divided so that heads can be checked: by hand."""

import pytest

from aloe.bench.run.checking import stretches


@pytest.mark.parametrize(
    ("checked", "rounds", "expected"),
    [
        ([5, 10], None, "4 1! 4 1! all"),
        ([5, 10], 12, "4 1! 4 1! 2"),
        ([10, 5], 10, "4 1! 4 1!"),
        ([5, 10], 3, "3"),
        ([1, 2, 4], 4, "1! 1! 1 1!"),
        # Before the first round there is nothing to check.
        ([-2, 0, 1, 1], None, "1! all"),
        ([], 7, "7"),
        ([], None, "all"),
    ],
)
def test_checked_rounds_are_stretches_of_their_own(
    checked: list[int], rounds: int | None, expected: str
):
    found = stretches(checked, rounds)
    told = " ".join(f"{each.rounds or 'all'}{'!' * each.is_checked}" for each in found)
    assert told == expected
