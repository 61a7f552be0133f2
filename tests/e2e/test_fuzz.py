"""A short run of the fuzz of decoders; `python -m tests.fuzz.decoding` is the long one."""

import pytest
from tests.fuzz.decoding import fuzz

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_damaged_files_cost_clips_never_the_service():
    report = fuzz(3_000, seed=11)
    assert (report["service_deaths"], report["silent_short"]) == (0, 0)
    assert report["streamed_otherwise"] == 0
    assert report["taken"] > 500
    assert report["refused"] > 500
    assert report["taken_with_a_warning"] > 100
