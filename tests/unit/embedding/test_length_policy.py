import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.embedding.domain.length_policy import (
    Exact,
    Frames,
    Grid,
    LengthPolicy,
    Trillsson,
    Window,
    parse_length_policy,
)

POLICIES = [
    Exact(),
    Exact(16_000),
    Grid(15_600, 7_680),
    Frames(400, 160),
    Window(16_000),
    Trillsson(),
]
every_policy = pytest.mark.parametrize("policy", POLICIES, ids=str)


@every_policy
@given(length=st.integers(1, 100_000))
def test_canonical_clip_has_the_canonical_length(policy: LengthPolicy, length: int) -> None:
    clip = policy.canonical(np.ones(length, np.float32))
    assert clip.shape == (policy.canonical_length(length),)
    assert clip.dtype == np.float32


@every_policy
@given(length=st.integers(1, 100_000))
def test_canonical_lengths_are_fixed_points(policy: LengthPolicy, length: int) -> None:
    canonical = policy.canonical_length(length)
    assert policy.canonical_length(canonical) == canonical


@every_policy
def test_policies_read_back_what_they_write(policy: LengthPolicy) -> None:
    assert parse_length_policy(str(policy)) == policy


@pytest.mark.parametrize(
    "text", ["", "grid", "grid(1)", "grid(0,5)", "window()", "exact(-1)", "trillsson(2)", "x(1)"]
)
def test_text_that_is_no_policy_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(ValueError, match=r"no length policy; give exact, .*trillsson"):
        parse_length_policy(text)


@pytest.mark.parametrize(
    ("length", "canonical"),
    [(1, 15_599), (15_599, 15_599), (15_600, 15_600), (15_601, 23_279), (46_321, 53_999)],
)
def test_grid_stops_one_sample_short_of_its_steps(length: int, canonical: int) -> None:
    assert Grid(15_600, 7_680).canonical_length(length) == canonical


@pytest.mark.parametrize(
    ("length", "canonical"),
    [
        (1, 32_000),
        (32_000, 32_000),
        # 390 frames, two chunks, need 400 + 160 * 389 samples.
        (62_639, 32_000),
        (62_640, 62_640),
        (93_839, 62_640),
        (93_840, 93_840),
    ],
)
def test_trillsson_keeps_whole_chunks_of_195_frames(length: int, canonical: int) -> None:
    assert Trillsson().canonical_length(length) == canonical


def test_trillsson_mirrors_short_clips_as_often_as_needed() -> None:
    clip = np.arange(1, 10_001, dtype=np.float32)
    canonical = Trillsson().canonical(clip)
    np.testing.assert_array_equal(canonical[:10_000], clip)
    np.testing.assert_array_equal(canonical[10_000:20_000], clip[::-1])
    np.testing.assert_array_equal(canonical[20_000:30_000], clip)
    np.testing.assert_array_equal(canonical[30_000:], clip[::-1][:2_000])


def test_trillsson_drops_what_the_encoder_does_not_hear() -> None:
    clip = np.arange(70_000, dtype=np.float32)
    np.testing.assert_array_equal(Trillsson().canonical(clip), clip[:62_640])


def test_window_takes_the_middle_and_pads_both_sides() -> None:
    np.testing.assert_array_equal(
        Window(4).canonical(np.arange(1, 8, dtype=np.float32)), [2, 3, 4, 5]
    )
    np.testing.assert_array_equal(
        Window(6).canonical(np.array([1, 2, 3], np.float32)), [0, 1, 2, 3, 0, 0]
    )


def test_frames_drops_what_fills_no_frame() -> None:
    assert Frames(400, 160).canonical_length(400 + 160 * 3 + 159) == 400 + 160 * 3
    assert Frames(400, 160).canonical_length(7) == 400
