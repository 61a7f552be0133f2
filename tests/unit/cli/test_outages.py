"""An outage is told in one line, if it lasts."""

import pytest

from aloe.cli.outages import OutageTeller


@pytest.mark.parametrize(
    ("times_s", "lines"),
    [
        ([0, 0.1, 0.3, 0.9], 0),
        ([0, 0.5, 1.1, 1.5, 9, 15, 60], 1),
        ([0, 5, 10, 15, 20], 1),
        ([0, 0.5, 100, 100.5, 200], 0),
        ([0, 1, 100, 101], 2),
    ],
)
def test_an_outage_that_lasts_is_told_once(times_s, lines, capsys):
    clock = iter(times_s)
    tell_outage = OutageTeller(lambda: next(clock))
    for _ in times_s:
        tell_outage(Exception("Redis cannot be reached"))
    told = capsys.readouterr().err.splitlines()
    assert told == ["waiting (Ctrl-C ends): Redis cannot be reached"] * lines
