import io
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from tests.audio_files import KINDS, RATE_HZ, made, speechlike
from tests.unit.audio.processes import children

from aloe.audio.arrays import Float32Array
from aloe.audio.content import Recording
from aloe.audio.decoder import ALL, Limits, Stretch, decode
from aloe.audio.errors import BadAudio, BrokenOff
from aloe.audio.isolation import Bounds, IsolatedDecoder, NoDecoder, NotWanted
from aloe.values.audio import DEFAULT_DECODING, ChannelRule, Decoding

LIMITS = Limits(max_clip_s=100_000.0)
STEREO = np.stack([speechlike(3.0), speechlike(3.0, seed=3)], axis=1)
RNG = np.random.default_rng(1)
MINUTES = made("flac", RNG.integers(-3_000, 3_000, 16_000 * 300).astype(np.int16))
"""Of a few MiB: read in several pieces."""
LONG = made("flac", np.zeros(16_000 * 3_600, np.float32))


@pytest.fixture(scope="module")
def decoder():
    with IsolatedDecoder(1) as isolated:
        isolated.start()
        yield isolated


def read(
    decoder: IsolatedDecoder,
    recording: Recording,
    stretch: Stretch = ALL,
    decoding: Decoding = DEFAULT_DECODING,
):
    with decoder.stream(recording, decoding, LIMITS, stretch) as stream:
        samples = np.concatenate(list(stream.blocks()))
        return samples, stream


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_gives_what_a_whole_clip_gives(
    decoder: IsolatedDecoder, kind: str, tmp_path: Path
) -> None:
    content, decoding = made(kind, STEREO), Decoding(ChannelRule.LOUDEST)
    whole = decode(content, decoding, LIMITS)
    path = tmp_path / f"a.{kind}"
    path.write_bytes(content)
    for recording in (path, content, io.BytesIO(content)):
        samples, stream = read(decoder, recording, decoding=decoding)
        np.testing.assert_array_equal(samples, whole.samples)
        assert stream.report == whole.report
    samples, stream = read(decoder, path, Stretch(20_000, is_sought=True), decoding)
    np.testing.assert_array_equal(samples, whole.samples[20_000:])


def test_a_long_file_is_fetched_piece_by_piece(decoder: IsolatedDecoder) -> None:
    whole = decode(MINUTES, Decoding(), LIMITS).samples
    samples, stream = read(decoder, io.BytesIO(MINUTES))
    np.testing.assert_array_equal(samples, whole)
    assert stream.promised_frame_count == len(whole)
    frame = len(whole) - 5_000
    samples, stream = read(decoder, io.BytesIO(MINUTES), Stretch(frame, is_sought=True))
    np.testing.assert_array_equal(samples, whole[frame:])
    assert frame - 20_000 < stream.decoded_from <= frame


def test_what_is_wrong_comes_through_with_what_was_before(decoder: IsolatedDecoder) -> None:
    half = MINUTES[: len(MINUTES) // 2]
    blocks: list[Float32Array] = []
    with decoder.stream(half, Decoding(), LIMITS) as stream:
        with pytest.raises(
            BrokenOff, match=r"breaks off at 1\d\d\.\d+ s of 300\.000 s: "
        ) as caught:
            blocks.extend(stream.blocks())
        assert caught.value.frame_count == stream.frame_count
    samples = np.concatenate(blocks)
    assert len(samples) == caught.value.frame_count
    np.testing.assert_array_equal(
        samples, decode(MINUTES, Decoding(), LIMITS).samples[: len(samples)]
    )
    accepted, stream = read(decoder, half, decoding=Decoding(accept_damaged=True))
    assert len(accepted) == len(samples)
    assert "cut off" in stream.report.warnings[0].problem.words
    with pytest.raises(BadAudio, match="no audio file"), decoder.stream(b"abc", Decoding(), LIMITS):
        pass


@pytest.mark.slow
def test_a_process_that_is_killed_on_the_way_costs_no_sample(decoder: IsolatedDecoder) -> None:
    whole = decode(MINUTES, Decoding(), LIMITS)
    for stretch in (Stretch(), Stretch(1_000_000, is_sought=True)):
        blocks, killed = [], 0
        with decoder.stream(MINUTES, Decoding(), LIMITS, stretch) as stream:
            for block in stream.blocks():
                blocks.append(block)
                if len(blocks) in (5, 20):
                    for pid in children():
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
        np.testing.assert_array_equal(np.concatenate(blocks), whole.samples[stretch.first :])
        assert stream.report == whole.report
        assert killed >= 2


def test_a_recording_that_crashes_its_decoder_keeps_what_was_before(
    decoder: IsolatedDecoder,
) -> None:
    ended = threading.Event()

    def crash_again_and_again() -> None:
        while not ended.wait(0.02):
            for pid in children():
                os.kill(pid, signal.SIGSEGV)

    saboteur = threading.Thread(target=crash_again_and_again)
    blocks = []
    with decoder.stream(LONG, Decoding(), LIMITS) as stream:
        reading = stream.blocks()
        blocks.append(next(reading))
        saboteur.start()
        try:
            with pytest.raises((BrokenOff, NoDecoder), match=r"\(SIGSEGV\)|started"):
                blocks.extend(reading)
        finally:
            ended.set()
            saboteur.join()
        assert stream.frame_count == sum(map(len, blocks)) > 0
    assert len(read(decoder, made("flac", speechlike()))[0]) == RATE_HZ


@pytest.mark.slow
def test_the_processor_time_of_a_stream_is_in_proportion_to_it() -> None:
    with IsolatedDecoder(1, Bounds(cpu_s=0.1)) as hurried:
        samples, _ = read(hurried, LONG)
        assert len(samples) == 16_000 * 3_600
        silent = made("flac", speechlike()) + bytes(100 << 20)  # nothing but a search for sound
        with pytest.raises(BadAudio, match=r"takes over 0\.1 s of processor time beyond a second"):
            read(hurried, silent)


@pytest.mark.slow
def test_a_stream_fits_where_a_whole_clip_does_not() -> None:
    with IsolatedDecoder(1, Bounds(memory_bytes=500 << 20)) as cramped:
        with pytest.raises(BadAudio, match=r"takes over 500 MiB of memory"):
            cramped.decode(LONG, Decoding(), LIMITS)
        assert len(read(cramped, LONG)[0]) == 16_000 * 3_600


def test_what_is_not_read_to_the_end_leaves_no_answer_behind(decoder: IsolatedDecoder) -> None:
    for _ in range(3):
        with decoder.stream(LONG, Decoding(), LIMITS) as stream:
            assert len(next(stream.blocks())) > 0
    with decoder.stream(LONG, Decoding(), LIMITS):
        pass
    assert decoder.decode(made("flac", speechlike(2.0)), Decoding(), LIMITS).duration_s == 2.0


@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_what_nobody_wants_any_more_ends(decoder: IsolatedDecoder, kind: str) -> None:
    content = made(kind, np.zeros((RATE_HZ * 60, 2), np.int16))
    asked = 0

    def is_wanted() -> bool:
        nonlocal asked
        asked += 1
        return asked < 2

    with decoder.stream(content, Decoding(), LIMITS, is_wanted=is_wanted) as stream:
        if kind == "wav":
            with pytest.raises(NotWanted):
                list(stream.blocks())
        else:
            assert sum(map(len, stream.blocks())) == RATE_HZ * 60  # done before anyone is asked
    assert len(read(decoder, made("flac", speechlike()))[0]) == RATE_HZ


class Shrinking(io.BytesIO):
    """A file that loses its end while it is read, or cannot be read any more."""

    def __init__(self, content: bytes, left: int, error: OSError | None = None) -> None:
        super().__init__(content)
        self.left, self.error = left, error

    def read(self, size: int | None = -1, /) -> bytes:
        if self.error and self.tell() >= self.left:
            raise self.error
        return super().read(max(0, min(size or 0, self.left - self.tell())))


def test_a_file_that_becomes_shorter_breaks_off_there(decoder: IsolatedDecoder) -> None:
    shrinking = Shrinking(MINUTES, 3 << 20)
    blocks: list[Float32Array] = []
    with (
        decoder.stream(shrinking, Decoding(), LIMITS) as stream,
        pytest.raises(BrokenOff, match="breaks off at"),
    ):
        blocks.extend(stream.blocks())
    whole = decode(MINUTES, Decoding(), LIMITS).samples
    samples = np.concatenate(blocks)
    assert RATE_HZ < len(samples) < len(whole)
    np.testing.assert_array_equal(samples, whole[: len(samples)])


def test_a_file_that_cannot_be_read_on_is_an_error_of_the_file(decoder: IsolatedDecoder) -> None:
    gone = Shrinking(MINUTES, 3 << 20, OSError("the disk is gone"))
    with (
        decoder.stream(gone, Decoding(), LIMITS) as stream,
        pytest.raises(OSError, match="the disk is gone"),
    ):
        list(stream.blocks())
    assert len(read(decoder, made("flac", speechlike()))[0]) == RATE_HZ


def test_closing_ends_what_is_being_read() -> None:
    isolated = IsolatedDecoder(1)
    with isolated.stream(LONG, Decoding(), LIMITS) as stream:
        reading = stream.blocks()
        next(reading)
        isolated.close()
        with pytest.raises(NoDecoder, match="have ended"):
            list(reading)
