"""The shifted clock for a test, which is skipped where there is none."""

import os
from pathlib import Path

import pytest
from tests.shifted_clock import NoClock, ShiftedClock


def needing_clock(folder: Path) -> ShiftedClock:
    """Return a clock; skip the test where there is none, fail in CI."""
    try:
        return ShiftedClock(folder)
    except NoClock as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
