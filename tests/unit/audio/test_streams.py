import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.audio_files import EXACT, KINDS, RATE_HZ, made, speechlike

from aloe.audio.content import Chunks, Content
from aloe.audio.decoder import ALL, Limits, Stream, Stretch, decode
from aloe.audio.errors import BadAudio, BrokenOff
from aloe.values.audio import DEFAULT_DECODING, AudioProblem, ChannelRule, Decoding

LIMITS = Limits(max_clip_s=600.0)
ACCEPTING = Decoding(accept_damaged=True)
SOUGHT = ("wav", "wav8", "wav24", "wav32", "wavf", "rf64", "flac", "flac24", "aiff", "au", "caf")
STEREO = np.stack([speechlike(4.0), speechlike(4.0, seed=3)], axis=1)


def fetched(content: bytes, chunk_bytes: int = 1_000) -> Chunks:
    def fetch(begin: int, size: int) -> bytes:
        return content[begin : begin + size]

    return Chunks(len(content), fetch, b"", chunk_bytes)


def streamed(
    content: Content, decoding: Decoding = DEFAULT_DECODING, stretch: Stretch = ALL
) -> tuple[NDArray[np.float32], Stream]:
    stream = Stream(content, decoding, LIMITS, stretch, breaks_off=True)
    blocks = list(stream.blocks())
    assert stream.frame_count == stretch.first + sum(map(len, blocks))
    return np.concatenate(blocks), stream


def broken(content: Content) -> tuple[NDArray[np.float32], BrokenOff]:
    """Return what a stream gives before it breaks off."""
    stream, blocks = Stream(content, Decoding(), LIMITS, breaks_off=True), []
    with pytest.raises(BrokenOff) as caught:  # noqa: PT012
        for block in stream.blocks():
            blocks.append(block)  # noqa: PERF402
    samples = np.concatenate([*blocks, np.empty(0, np.float32)])
    assert caught.value.frame_count == stream.frame_count == len(samples)
    return samples, caught.value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sound", [STEREO[:, 0], STEREO], ids=["mono", "stereo"])
def test_what_is_read_in_chunks_is_what_is_read_whole(
    kind: str, sound: NDArray[np.float32]
) -> None:
    for content in (made(kind, sound), made(kind, sound) + made(kind, sound[:20_000])):
        whole = decode(content, Decoding(), LIMITS)
        samples, stream = streamed(fetched(content))
        np.testing.assert_array_equal(samples, whole.samples)
        assert stream.report == whole.report


@pytest.mark.parametrize("rule", [ChannelRule.LOUDEST, ChannelRule.MIX, ChannelRule.NUMBERED])
def test_channels_are_chosen_as_they_are_of_a_whole_clip(rule: ChannelRule) -> None:
    decoding = Decoding(rule, 2 if rule is ChannelRule.NUMBERED else 0)
    content = made("flac", STEREO * np.array([0.2, 1.0], np.float32))
    whole = decode(content, decoding, LIMITS)
    samples, stream = streamed(fetched(content), decoding)
    np.testing.assert_array_equal(samples, whole.samples)
    assert stream.report == whole.report


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frame", [1, 16_000, 40_001, 63_000])
def test_what_is_read_from_a_frame_on_is_the_rest_of_the_whole(kind: str, frame: int) -> None:
    content = made(kind, STEREO)
    whole = decode(content, Decoding(), LIMITS).samples
    for is_sought in (False, True):
        samples, stream = streamed(fetched(content), stretch=Stretch(frame, is_sought=is_sought))
        np.testing.assert_array_equal(samples, whole[frame:])
        assert stream.decoded_from <= (frame if is_sought else 0)
        if is_sought and frame > 40_000:
            assert (stream.decoded_from > 30_000) == (kind in (*SOUGHT, "wavd", "w64", "ulaw"))


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3"])
def test_a_place_behind_the_end_is_told(kind: str) -> None:
    content = made(kind, speechlike())
    for stretch in (Stretch(20_000), Stretch(20_000, is_sought=True)):
        stream = Stream(content, Decoding(), LIMITS, stretch, breaks_off=True)
        with pytest.raises(BadAudio, match=r"it lasts 1\.\d+ s, and is to be read from 1\.250 s"):
            list(stream.blocks())


def test_a_hole_breaks_a_recording_off_where_it_is() -> None:
    content = made("flac", speechlike(60.0))
    middle = len(content) // 2
    holed = content[:middle] + content[middle + 200 :]
    whole = decode(content, Decoding(), LIMITS).samples
    samples, error = broken(fetched(holed))
    np.testing.assert_array_equal(samples, whole[: len(samples)])
    assert 29.0 < len(samples) / RATE_HZ < 31.0
    at = f"{len(samples) / RATE_HZ:.3f}"
    assert str(error).startswith(f"breaks off at {at} s of 60.000 s: damaged: ")
    assert f" at {at} s" in error.why
    accepted, stream = streamed(fetched(holed), ACCEPTING)
    np.testing.assert_array_equal(accepted, decode(holed, ACCEPTING, LIMITS).samples)
    assert AudioProblem.DAMAGED in {each.problem for each in stream.report.warnings}


def test_a_frame_whose_checksum_is_wrong_is_left_out_and_told() -> None:
    content, sound = made("flac", speechlike(10.0)), speechlike(10.0)
    for place in range(len(content) // 3, len(content) // 2, 5_000):
        changed = bytearray(content)
        changed[place] ^= 1
        samples, error = broken(fetched(bytes(changed)))
        np.testing.assert_allclose(samples, sound[: len(samples)], atol=1e-4)
        assert f" at {len(samples) / RATE_HZ:.3f} s" in error.why
        accepted, _ = streamed(bytes(changed), ACCEPTING)
        rest = accepted[len(samples) :]
        np.testing.assert_allclose(rest, sound[-len(rest) :], atol=1e-4)
        assert len(sound) - 20_480 < len(accepted) < len(sound)


@pytest.mark.parametrize(
    "kind", ["wav", "rf64", "flac", "aiff", "caf", "ogg", "opus", "mp3", "webm"]
)
def test_a_recording_that_ends_early_is_read_to_there_and_told(kind: str) -> None:
    content = made(kind, speechlike(10.0))
    content = content[: len(content) * 6 // 10]
    samples, error = broken(fetched(content))
    np.testing.assert_array_equal(samples, decode(content, ACCEPTING, LIMITS).samples)
    assert 4.0 < len(samples) / error.sample_rate_hz < 8.0
    assert str(error).startswith(f"breaks off at {len(samples) / error.sample_rate_hz:.3f} s")


def test_a_page_that_is_missing_breaks_a_recording_off_before_it() -> None:
    content = made("opus", speechlike(20.0))
    begins = [0]
    while (begin := content.find(b"OggS", begins[-1] + 1)) > 0:
        begins.append(begin)
    without_one = content[: begins[10]] + content[begins[11] :]
    samples, error = broken(fetched(without_one))
    whole = decode(content, Decoding(), LIMITS).samples
    np.testing.assert_array_equal(samples, whole[: len(samples)])
    assert 5.0 < len(samples) / 48_000 < 12.0
    assert "1 page is missing" in error.why


def test_sound_that_was_changed_is_told_at_the_end() -> None:
    content = bytearray(made("flac", speechlike(5.0)))
    content[30] ^= 1  # of the checksum
    samples, error = broken(bytes(content))
    assert len(samples) == 5 * RATE_HZ
    assert "MD5" in error.why


def test_what_follows_and_is_no_audio_breaks_a_recording_off() -> None:
    content = made("wav", speechlike(2.0)) + made("wav", speechlike(1.0, 8_000), 8_000)
    samples, error = broken(fetched(content))
    assert len(samples) == 2 * RATE_HZ
    assert "what follows has 8,000 Hz" in error.why


def test_samples_that_are_none_break_a_recording_off() -> None:
    sound = speechlike(20.0)
    sound[300_000] = np.nan
    samples, error = broken(made("wavf", sound))
    assert 0 < len(samples) <= 300_000
    assert "NaN" in error.why


def test_channels_that_cancel_out_are_told_after_a_minute() -> None:
    sound = speechlike(100.0, 8_000)
    samples, error = broken(made("flac", np.stack([sound, -sound], axis=1), 8_000))
    assert len(samples) < 65 * 8_000
    assert "loses 100.0% of their energy" in error.why


def test_a_recording_longer_than_is_taken_is_read_to_there() -> None:
    stream = Stream(made("flac", speechlike(10.0)), Decoding(), Limits(5.0), breaks_off=True)
    with pytest.raises(BrokenOff, match="at most 5 s are taken"):
        list(stream.blocks())
    assert 0 < stream.frame_count <= 5 * RATE_HZ


def test_samples_gone_through_are_counted() -> None:
    spent: list[int] = []
    decoding = Decoding(ChannelRule.LOUDEST)
    content = made("flac", STEREO)
    list(Stream(content, decoding, LIMITS, Stretch(50_000), spend=spent.append).blocks())
    assert sum(spent) == 2 * STEREO.size  # once to find the loudest


@pytest.mark.parametrize("kind", EXACT)
def test_what_is_sought_says_where_damage_lies(kind: str) -> None:
    content = made(kind, speechlike(10.0))
    content = content[: len(content) * 9 // 10]
    stream = Stream(
        content, Decoding(), LIMITS, Stretch(5 * RATE_HZ, is_sought=True), breaks_off=True
    )
    with pytest.raises(BrokenOff, match=r"breaks off at [89]\.\d+ s of 10\.000 s"):
        list(stream.blocks())


def size_of(content: bytearray, size: int) -> bytes:
    content[4:8] = content[40:44] = size.to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize(
    "prepare",
    [
        lambda content: size_of(content, 0),
        lambda content: size_of(content, 0x8000_0000),
        lambda content: size_of(content, 0x7FFF_F000),
        lambda content: size_of(content, 0xFFFF_FFFF) * 2,
        bytes,
    ],
)
def test_a_wav_file_without_its_size_is_read_to_its_end(
    prepare: Callable[[bytearray], bytes],
) -> None:
    content = prepare(bytearray(made("wav", speechlike(2.0))))
    samples, _ = streamed(fetched(content))
    np.testing.assert_array_equal(samples, decode(content, Decoding(), LIMITS).samples)
    assert len(samples) in (2 * RATE_HZ, 4 * RATE_HZ)


class Zeros:
    """A large file of few bytes that are not zero."""

    def __init__(self, size: int, head: bytes, tail: bytes = b"") -> None:
        self.size, self.head, self.tail = size, head, tail

    def fetch(self, begin: int, size: int) -> bytes:
        data = bytearray(size)
        for place, part in ((0, self.head), (self.size - len(self.tail), self.tail)):
            first, last = max(begin, place), min(begin + size, place + len(part))
            if first < last:
                data[first - begin : last - begin] = part[first - place : last - place]
        return bytes(data)

    def content(self) -> Chunks:
        return Chunks(self.size, self.fetch)


@pytest.mark.parametrize("tail", [b"", b"LIST\x04\0\0\0INFO"])
def test_a_wav_file_beyond_4_gib_is_whole_though_its_size_has_no_room(tail: bytes) -> None:
    head = bytearray(made("wav", speechlike(0.1)))[:44]
    data_bytes = (5 << 30) + 1_000
    head[40:44] = (data_bytes & 0xFFFF_FFFF).to_bytes(4, "little")
    content = Zeros(44 + data_bytes + len(tail), bytes(head), tail).content()
    limits = Limits(1e6)
    last = data_bytes // 2 - 500
    stream = Stream(content, Decoding(), limits, Stretch(last, is_sought=True), breaks_off=True)
    assert stream.promised_frame_count == data_bytes // 2
    assert sum(map(len, stream.blocks())) == 500
    assert stream.report.warnings == ()


@pytest.mark.slow
def test_an_rf64_file_beyond_4_gib_ends_before_its_last_chunk_and_is_told_where_cut_off() -> None:
    file = io.BytesIO(made("rf64", speechlike(0.1)))
    head = bytearray(file.getvalue())
    data = head.index(b"data") + 8
    data_bytes = 6 << 30
    sizes = head.index(b"ds64") + 8
    head[sizes + 8 : sizes + 16] = data_bytes.to_bytes(8, "little")
    head[data - 4 : data] = b"\xff" * 4
    for missing, tail in ((0, b"guan\x04\0\0\0abc\n"), (1 << 30, b"")):
        size = data + data_bytes - missing + len(tail)
        content = Zeros(size, bytes(head[:data]), tail).content()
        stretch = Stretch((data_bytes - missing) // 2 - 700, is_sought=True)
        stream = Stream(content, ACCEPTING, Limits(1e6), stretch, breaks_off=True)
        assert sum(map(len, stream.blocks())) == 700
        assert [each.problem for each in stream.report.warnings] == (
            [AudioProblem.CUT_OFF] if missing else []
        )
