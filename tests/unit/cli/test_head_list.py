"""Which heads of a task are in the list."""

from datetime import UTC, datetime, timedelta

from aloe.cli.head_list import head_entries
from aloe.client import HeadTimes, PromotedHead, Promotion, Round

TIME = datetime(2026, 5, 4, tzinfo=UTC)


def _round(version: int) -> Round:
    return Round(
        *(version, version * 2, None, None, TIME, timedelta(1), timedelta(1), 0.5),
        *(None, None, None, None, HeadTimes(None, None, None), None, None, None),
    )


def test_the_newest_heads_and_those_with_names_are_kept():
    named = Promotion("production", PromotedHead(3, TIME), (PromotedHead(1, TIME),))
    entries = head_entries([_round(version) for version in range(1, 11)], [named])
    assert [each.version for each in entries] == list(range(10, 0, -1))
    assert [each.version for each in entries if each.is_kept] == [10, 9, 8, 7, 6, 3, 1]
    assert {
        each.version: (each.names, each.earlier_names) for each in entries if each.version < 4
    } == {
        3: (("production",), ()),
        2: ((), ()),
        1: ((), ("production",)),
    }
    assert head_entries([], []) == []
