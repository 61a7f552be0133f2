"""Windows of recordings: ids, hashes, frames, and which are near each other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aloe.learner.domain.windows import (
    Recording,
    Window,
    frames_of,
    window_hash,
    window_id,
    window_of,
)
from aloe.values.audio import ChannelRule, Decoding
from aloe.wire.names import ID_PATTERN

RATES = st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000, 192_000, 500_000])
MADE = datetime(2026, 5, 4, tzinfo=UTC)
FRAMES = st.integers(0, 10**11)


def test_ids_name_the_times_in_milliseconds_and_their_parts():
    assert window_id(window_of("night", 240_000, 480_000, 48_000)) == "night~5000-10000"
    assert window_id(window_of("night", 1, 3, 48_000)) == "night~0.021-0.062"
    assert window_id(Window("night", 86_400.000_5, 86_401.25)) == "night~86400000.5-86401250"


@given(RATES, FRAMES, st.integers(1, 10**7))
def test_frames_are_told_by_times(rate_hz: int, first: int, length: int):
    window = window_of("night", first, first + length, rate_hz)
    assert frames_of(window, rate_hz) == (first, first + length)
    assert ID_PATTERN.fullmatch(window_id(window))


def test_a_hash_is_of_recording_channel_and_place():
    plain, right = Decoding(), Decoding(ChannelRule.NUMBERED, 2)
    night = Recording("night", "a" * 32, MADE)
    known = window_hash(night, plain, 0, 100, 0)
    others = [
        window_hash(Recording("night", "b" * 32, MADE), plain, 0, 100, 0),
        window_hash(Recording("same", "a" * 32, MADE), plain, 0, 100, 0),
        window_hash(night, right, 0, 100, 0),
        window_hash(night, plain, 1, 100, 0),
        window_hash(night, plain, 0, 101, 0),
        window_hash(night, plain, 0, 100, 5),
    ]
    assert len({known, *others}) == 7
    later = replace(night, uri="file:///night.wav", create_time=MADE + timedelta(days=1))
    assert window_hash(later, Decoding(accept_damaged=True), 0, 100, 0) == known


def test_windows_are_near_that_overlap_or_lie_closer_than_the_spacing():
    window = Window("night", 10.0, 15.0)
    assert window.is_near(window, 0)
    assert window.is_near(Window("night", 12.5, 17.5), 0)
    assert not window.is_near(Window("night", 15.0, 20.0), 0)
    assert window.is_near(Window("night", 15.0, 20.0), 0.001)
    assert not window.is_near(Window("night", 2.0, 7.0), 3)
    assert window.is_near(Window("night", 2.0, 7.0), 3.1)
    assert not window.is_near(Window("day", 10.0, 15.0), 100)
