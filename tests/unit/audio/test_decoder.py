import io
import re

import numpy as np
import pytest
import soundfile
from tests.audio_files import EXACT, KINDS, LOSSY, RATE_HZ, SNDFILE_KINDS, made, speechlike

from aloe.audio.decoder import Limits, decode
from aloe.audio.errors import BadAudio
from aloe.values.audio import DEFAULT_DECODING, AudioProblem, ChannelRule, Decoding

LIMITS = Limits(max_clip_s=60.0)
ACCEPTING = Decoding(accept_damaged=True)
FRAME_S = 0.1
"""What a codec may add or leave out at either end, and a little."""


def duration(content: bytes, decoding: Decoding = DEFAULT_DECODING) -> float:
    return decode(content, decoding, LIMITS).duration_s


def problems(content: bytes) -> set[AudioProblem]:
    report = decode(content, ACCEPTING, LIMITS).report
    return {warning.problem for warning in report.warnings}


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_is_heard_whole_and_without_a_warning(kind: str) -> None:
    decoded = decode(made(kind, speechlike(2.0)), Decoding(), LIMITS)
    assert decoded.report.warnings == ()
    # ADTS and WMA say nothing of what their encoders added.
    tolerance = 0.13 if kind in ("aac", "wma") else 1e-9
    assert decoded.duration_s == pytest.approx(2.0, abs=tolerance)


@pytest.mark.parametrize("kind", EXACT)
def test_lossless_containers_are_exact_to_the_sample(kind: str) -> None:
    content = made(kind, speechlike())
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    np.testing.assert_array_equal(decode(content, Decoding(), LIMITS).samples, expected)


@pytest.mark.parametrize("kind", [kind for kind in LOSSY if kind not in ("aac", "wma", "amr")])
def test_the_delay_of_encoders_is_cut(kind: str) -> None:
    sound = speechlike()
    heard = decode(made(kind, sound), Decoding(), LIMITS).samples
    if kind in ("opus", "webm"):
        heard = heard[::3]
    middle = slice(4_000, 12_000)
    shifts = range(-40, 41)
    likeness = [np.corrcoef(np.roll(heard, shift)[middle], sound[middle])[0, 1] for shift in shifts]
    assert abs(shifts[int(np.argmax(likeness))]) <= 2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("ogg", "m4a", "alac")])
def test_a_file_that_is_cut_off_is_refused_and_taken_with_a_warning_where_asked(kind: str) -> None:
    content = made(kind, speechlike(2.0))
    content = content[: len(content) * 6 // 10]
    with pytest.raises(BadAudio, match="take it so with accept_damaged"):
        decode(content, Decoding(), LIMITS)
    assert 0.5 < duration(content, ACCEPTING) < 1.5
    assert problems(content) & {AudioProblem.CUT_OFF, AudioProblem.DAMAGED}


@pytest.mark.parametrize("kind", ["wav", "flac", "aiff", "au", "caf", "w64", "mp3", "webm"])
def test_what_is_missing_is_told_in_seconds(kind: str) -> None:
    content = made(kind, speechlike(2.0))
    with pytest.raises(BadAudio, match=r"cut off: holds \d\.\d{3} s of 2\.0\d{2} s"):
        decode(content[: len(content) * 6 // 10], Decoding(), LIMITS)


def test_an_mp4_file_without_its_index_is_told_to_be_cut_off() -> None:
    content = made("m4a", speechlike(2.0))
    with pytest.raises(BadAudio, match="cut off: its index"):
        decode(content[: len(content) * 6 // 10], ACCEPTING, LIMITS)


@pytest.mark.parametrize("kind", KINDS)
def test_joined_files_are_heard_to_the_end(kind: str) -> None:
    first, second = speechlike(1.0, seed=1), speechlike(0.7, seed=2)
    content = made(kind, first) + made(kind, second)
    assert duration(content) == pytest.approx(1.7, abs=0.3 if kind in LOSSY else 1e-9)
    assert problems(content) == set()


def test_a_phones_amr_file_is_heard_whole_and_told_where_it_is_cut_off() -> None:
    content = made("amr", speechlike(2.0, 8_000), 8_000)
    assert duration(content) == pytest.approx(2.0, abs=0.05)
    assert duration(content + content) == pytest.approx(4.0, abs=0.1)
    assert problems(content[: len(content) // 2 - 10]) == {AudioProblem.DAMAGED}


def test_joined_files_of_other_layouts_are_told() -> None:
    content = made("wav", speechlike(1.0)) + made("wav", speechlike(1.0, 8_000), 8_000)
    with pytest.raises(BadAudio, match=r"what follows has 8,000 Hz and 1 channels at 1\.000 s"):
        decode(content, Decoding(), LIMITS)
    assert duration(content, ACCEPTING) == 1.0


@pytest.mark.parametrize("kind", ["flac", "ogg", "opus", "mp3", "aac", "webm", "wav", "wma"])
def test_a_hole_is_told(kind: str) -> None:
    content = made(kind, speechlike(4.0))
    middle = len(content) // 2
    holed = content[:middle] + content[middle + 200 :]
    with pytest.raises(BadAudio) as caught:
        decode(holed, Decoding(), LIMITS)
    assert problems(holed)
    told = re.findall(r"(?:at|holds) (\d\.\d{3}) s", str(caught.value))
    told_s = [float(each) for each in told]
    assert told_s
    if kind in ("flac", "mp3", "aac"):
        assert any(1.5 < each < 2.2 for each in told_s), caught.value


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000])
def test_a_wav_file_whose_size_was_never_filled_in_is_heard_to_its_end(size: int) -> None:
    content = bytearray(made("wav", speechlike()))
    content[4:8] = content[40:44] = size.to_bytes(4, "little")
    assert duration(bytes(content)) == 1.0
    assert duration(bytes(content) + bytes(content)) == 2.0


def test_a_wav_file_of_another_length_than_it_promises_is_told() -> None:
    content = bytearray(made("wav", speechlike()))
    content[40:44] = (320_000).to_bytes(4, "little")
    with pytest.raises(BadAudio, match=r"cut off: holds 1\.000 s of 10\.000 s"):
        decode(bytes(content), Decoding(), LIMITS)


def test_a_wav_file_with_chunks_around_its_data_is_heard_without_them() -> None:
    content = made("wav", speechlike())
    odd = b"junk" + (3).to_bytes(4, "little") + b"abc"
    for chunk in (odd + b"\0", odd, b"LIST" + (4).to_bytes(4, "little") + b"INFO"):
        changed = content[:12] + chunk + content[12:] + chunk
        assert decode(changed, Decoding(), LIMITS).samples.size == RATE_HZ
    empty = content[:40] + bytes(4) + odd + b"\0"
    with pytest.raises(BadAudio, match="holds no samples"):
        decode(empty, Decoding(), LIMITS)


def test_more_than_a_header_promises_is_heard() -> None:
    flac = bytearray(made("flac", speechlike(1.5)))
    flac[22:26] = (20_000).to_bytes(4, "big")
    assert decode(bytes(flac), Decoding(), LIMITS).samples.size == 24_000


@pytest.mark.parametrize("stated", [0, 1, 191, 0xFF02])
def test_a_wav_header_that_contradicts_itself_is_told(stated: int) -> None:
    content = bytearray(made("wav", speechlike()))
    content[32:34] = stated.to_bytes(2, "little")
    with pytest.raises(BadAudio, match=rf"its header says {stated:,} bytes a frame, which has 2"):
        decode(bytes(content), Decoding(), LIMITS)
    assert duration(bytes(content), ACCEPTING) == 1.0


@pytest.mark.parametrize("bits", [9, 12, 16])
def test_fewer_bits_than_bytes_hold_are_the_upper_ones(bits: int) -> None:
    content = bytearray(made("wav", speechlike()))
    expected = decode(bytes(content), Decoding(), LIMITS).samples
    content[34:36] = bits.to_bytes(2, "little")
    np.testing.assert_array_equal(decode(bytes(content), Decoding(), LIMITS).samples, expected)


def test_an_mp3_file_without_a_length_header_is_heard_to_its_end() -> None:
    content = made("mp3", speechlike(10.0))
    stripped = content[content.index(b"\xff", 100) :]
    assert duration(stripped) == pytest.approx(10.0, abs=FRAME_S)
    with pytest.raises(BadAudio, match="at most 5 s are taken"):
        decode(stripped, Decoding(), Limits(5.0))
    assert decode(stripped, Decoding(), Limits(10.2)).samples.size > 0


def test_a_length_limit_counts_what_was_decoded_not_what_a_header_says() -> None:
    flac = bytearray(made("flac", speechlike()))
    flac[21] |= 0x0F
    flac[22:26] = b"\xff\xff\xff\xff"
    with pytest.raises(BadAudio, match=r"cut off: holds 1\.000 s of 4,294,967.296 s"):
        decode(bytes(flac), Decoding(), LIMITS)
    assert duration(bytes(flac), ACCEPTING) == 1.0


def stereo(left: np.ndarray, right: np.ndarray, kind: str = "wav") -> bytes:
    return made(kind, np.stack([left, right], axis=1))


@pytest.mark.parametrize("kind", ["wav", "flac", "m4a"])
def test_channels_that_cancel_each_other_out_are_told(kind: str) -> None:
    sound = speechlike()
    content = stereo(sound, -sound, kind)
    with pytest.raises(BadAudio, match=r"loses (100|9[89])\.\d% of their energy"):
        decode(content, Decoding(), LIMITS)
    mixed = decode(content, Decoding(ChannelRule.MIX), LIMITS)
    assert [each.problem for each in mixed.report.warnings] == [AudioProblem.LOST_IN_MIX]
    for number in (1, 2):
        heard = decode(content, Decoding(ChannelRule.NUMBERED, number), LIMITS)
        assert heard.report.channel == number
        assert heard.report.channel_count == 2
        assert heard.report.warnings == ()
        assert np.corrcoef(heard.samples[:RATE_HZ], sound)[0, 1] * (3 - 2 * number) > 0.9


def test_unrelated_channels_and_a_silent_one_are_mixed_without_a_word() -> None:
    sound = speechlike()
    for other in (np.zeros_like(sound), speechlike(seed=5), sound):
        assert decode(stereo(sound, other), Decoding(), LIMITS).report.warnings == ()
    assert decode(stereo(sound * 0, sound * 0), Decoding(), LIMITS).report.warnings == ()


def test_the_loudest_channel_is_chosen_by_its_energy() -> None:
    sound = speechlike()
    heard = decode(stereo(sound * 0.2, sound), Decoding(ChannelRule.LOUDEST), LIMITS)
    assert heard.report.channel == 2
    np.testing.assert_allclose(heard.samples, sound, atol=1e-4)


def test_a_channel_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadAudio, match=r"no channel 3: the recording has 2"):
        decode(stereo(speechlike(), speechlike()), Decoding(ChannelRule.NUMBERED, 3), LIMITS)


@pytest.mark.parametrize("rate_hz", [1_000, 2_000, 8_000, 96_000, 256_000, 384_000, 1_000_000])
def test_rates_of_all_that_records_sound_are_taken(rate_hz: int) -> None:
    decoded = decode(made("wav", speechlike(0.2, rate_hz), rate_hz), Decoding(), LIMITS)
    assert decoded.report.sample_rate_hz == rate_hz
    assert decoded.duration_s == pytest.approx(0.2)


@pytest.mark.parametrize("rate_hz", [1, 999, 1_000_001])
def test_other_rates_are_refused(rate_hz: int) -> None:
    with pytest.raises(BadAudio, match="it must be 1,000 to 1,000,000 Hz"):
        decode(made("wav", speechlike(1.0, 100), rate_hz), Decoding(), LIMITS)


def test_a_file_that_names_other_files_or_places_is_not_followed(tmp_path) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(made("wav", speechlike()))
    for text in (
        f"#EXTM3U\n#EXTINF:1,\n{other}\n",
        f"ffconcat version 1.0\nfile '{other}'\n",
        f"<?xml version='1.0'?><MPD><BaseURL>{other}</BaseURL></MPD>",
    ):
        with pytest.raises(BadAudio, match="no audio file"):
            decode(text.encode(), ACCEPTING, LIMITS)


@pytest.mark.parametrize("kind", ["wav", "wav24", "wav32", "wavf"])
def test_a_big_endian_wav_file_is_heard_as_its_twin(kind: str) -> None:
    container, coding = SNDFILE_KINDS[kind]
    file = io.BytesIO()
    soundfile.write(file, speechlike(), RATE_HZ, format=container, subtype=coding, endian="BIG")
    assert file.getvalue()[:4] == b"RIFX"
    expected = decode(made(kind, speechlike()), Decoding(), LIMITS).samples
    np.testing.assert_array_equal(decode(file.getvalue(), Decoding(), LIMITS).samples, expected)


@pytest.mark.parametrize("shift", [0, 8])
def test_24_bits_in_four_bytes_are_found_at_either_end(shift: int) -> None:
    wide = np.rint(speechlike() * (1 << 23)).astype("<i4")
    content = bytearray(made("wav32", speechlike()))
    content[34:36] = (24).to_bytes(2, "little")
    content[44:] = (wide << shift).tobytes()
    heard = decode(bytes(content), Decoding(), LIMITS).samples
    np.testing.assert_allclose(heard, speechlike(), atol=1e-6)
    content[44] |= 1  # A single low bit says nothing of where the others lie.
    heard = decode(bytes(content), Decoding(), LIMITS).samples
    np.testing.assert_allclose(heard, speechlike(), atol=1e-6)


@pytest.mark.parametrize("coding", ["PCM_S8", "PCM_16", "PCM_24"])
def test_any_changed_bit_of_a_flac_files_sound_is_told(coding: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, speechlike(0.5), RATE_HZ, format="FLAC", subtype=coding)
    content = file.getvalue()
    assert duration(content) == 0.5
    for place in range(100, len(content), len(content) // 60):
        changed = bytearray(content)
        changed[place] ^= 4
        with pytest.raises(BadAudio):
            decode(bytes(changed), Decoding(), LIMITS)


def test_sound_behind_the_size_that_a_wav_header_gives_is_told() -> None:
    content = bytearray(made("wav", speechlike(2.0)))
    content[40:44] = (32_000).to_bytes(4, "little")
    with pytest.raises(BadAudio, match=r"32,000 bytes follow that its header does not count"):
        decode(bytes(content), Decoding(), LIMITS)
    whole = made("wav", speechlike())
    assert problems(whole + speechlike().tobytes()) == {AudioProblem.DAMAGED}
    assert problems(whole + bytes(4_000)) == set()


@pytest.mark.parametrize("kinds", [("wav", "flac"), ("flac", "wav"), ("aiff", "wav")])
def test_files_of_two_kinds_that_were_joined_are_heard_to_the_end(kinds: tuple[str, str]) -> None:
    assert duration(b"".join(made(kind, speechlike()) for kind in kinds)) == 2.0


def tagged(content: bytes, text: bytes) -> bytes:
    """Put an ID3v2 comment in front."""
    frame = b"COMM" + (len(text) + 5).to_bytes(4, "big") + b"\0\0\0eng\0" + text
    size = bytes([len(frame) >> 7 & 0x7F, len(frame) & 0x7F])
    return b"ID3\3\0\0\0\0" + size + frame + content


def test_tags_of_mp3_files_are_no_sound_and_no_length() -> None:
    content = made("mp3", speechlike(2.0))
    for text in (b"Info: made by me", b"Xing" * 9, b"VBRI" + bytes(30)):
        assert duration(tagged(content, text)) == pytest.approx(2.0, abs=FRAME_S)
    with pytest.raises(BadAudio, match="cut off"):
        decode(tagged(content[: len(content) // 2], b"Information"), Decoding(), LIMITS)
    twice = tagged(content, b"a") + tagged(content, b"b")
    assert duration(twice) == pytest.approx(4.0, abs=FRAME_S)
    lyrics = b"LYRICSBEGININD0000200LYR00003abc"
    lyrics += f"{len(lyrics):06d}".encode() + b"LYRICS200"
    for tail in (bytes(2_000), lyrics + b"TAG" + bytes(125), b"TAG" + bytes(125)):
        assert duration(content + tail) == pytest.approx(2.0, abs=FRAME_S)


def test_what_is_constant_does_not_hide_that_channels_cancel_out() -> None:
    sound = speechlike() * 0.8
    with pytest.raises(BadAudio, match="cancel each other out"):
        decode(stereo(sound + 0.1, 0.1 - sound), Decoding(), LIMITS)


def test_a_packet_that_is_missing_shows_by_the_times_of_its_neighbours() -> None:
    content = bytearray(made("flac", speechlike(4.0)))
    content[21] &= 0xF0
    content[22:42] = bytes(20)  # Neither length nor checksum, as in a stream.
    frames = [
        place for place in range(len(content) - 1) if content[place : place + 2] == b"\xff\xf8"
    ]
    assert duration(bytes(content)) == 4.0
    without_one = bytes(content[: frames[3]] + content[frames[4] :])
    assert problems(without_one) == {AudioProblem.DAMAGED}


@pytest.mark.parametrize("cuts", [b"\x9c\x10\x00", b"\x24\x0f\xff"])
def test_an_mp3_header_that_has_sound_cut_is_told(cuts: bytes) -> None:
    content = bytearray(made("mp3", speechlike(2.0)))
    place = max(content.find(b"Xing"), content.find(b"Info")) + 141
    content[place : place + 3] = cuts
    with pytest.raises(BadAudio, match=r"its header has [\d,]+ samples cut at its begin"):
        decode(bytes(content), Decoding(), LIMITS)
