"""A short run of the fuzz of calls; `python -m tests.fuzz.protocol` is the long one."""

import pytest
from tests.fuzz.protocol import fuzz

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_any_bytes_are_answered_and_what_is_refused_changes_nothing():
    report = fuzz(3_000, seed=11)
    wrong = ("internal", "unknown", "unavailable", "data_loss", "crashes", "stuck")
    assert {name: report[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert report["without_reason"] == 0
    assert report["changed_by_refused"] == 0
    assert report["refused_in_quiet"] > 100
    assert report["codes"]["OK"] > 300
    assert report["codes"]["INVALID_ARGUMENT"] > 1_000
