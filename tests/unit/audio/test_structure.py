import pytest
from tests.audio_files import made, speechlike

from aloe.audio.findings import Findings
from aloe.audio.joined import parts_of
from aloe.audio.ogg import PageCheck
from aloe.audio.structure import missing_bytes
from aloe.audio.wav import find_wav_data


def check_pages(content: bytes, rate_hz: int) -> Findings:
    findings = Findings()
    PageCheck(content, rate_hz, findings).end()
    return findings


@pytest.mark.parametrize(("kind", "rate_hz"), [("ogg", 16_000), ("opus", 48_000)])
def test_every_byte_of_an_ogg_file_is_checked(kind: str, rate_hz: int) -> None:
    content = made(kind, speechlike(0.3))
    whole = check_pages(content, rate_hz)
    assert (whole.cut_off, whole.damage) == ("", "")
    for place in range(0, len(content), 37):
        changed = bytearray(content)
        changed[place] ^= 0x10
        found = check_pages(bytes(changed), rate_hz)
        assert found.cut_off or found.damage, place


@pytest.mark.parametrize("kind", ["ogg", "opus"])
def test_an_ogg_file_is_whole_only_at_its_end(kind: str) -> None:
    content = made(kind, speechlike(0.3))
    for length in range(1, len(content), 41):
        found = check_pages(content[:length], 48_000)
        assert found.cut_off, length


def test_pages_that_are_missing_are_counted() -> None:
    content = made("opus", speechlike(5.0))
    begins = [0]
    while (begin := content.find(b"OggS", begins[-1] + 1)) > 0:
        begins.append(begin)
    without_one = content[: begins[3]] + content[begins[4] :]
    assert "1 page is missing" in check_pages(without_one, 48_000).damage


@pytest.mark.parametrize(("kind", "element"), [("mka", "matroska"), ("webm", "matroska")])
def test_what_is_missing_of_the_last_element_is_counted(kind: str, element: str) -> None:
    content = made(kind, speechlike(1.0))
    assert missing_bytes(content, element) == 0
    assert missing_bytes(content[:-10], element) == 10


def test_what_is_missing_of_the_last_box_is_counted() -> None:
    content = made("m4a", speechlike(1.0))
    assert missing_bytes(content, "mov") == 0
    assert missing_bytes(content[:-10], "mov") == 10


@pytest.mark.parametrize("kind", ["wav", "aiff", "au", "caf", "w64", "flac", "webm", "m4a", "wma"])
def test_joined_files_are_parted(kind: str) -> None:
    files = [made(kind, speechlike(0.2, seed=seed)) for seed in range(3)]
    assert [part[:] for part in parts_of(b"".join(files))] == files
    assert [part[:] for part in parts_of(files[0])] == files[:1]


def test_a_wav_file_that_needs_a_decoder_is_no_plain_one() -> None:
    assert find_wav_data(made("ulaw", speechlike())) is None
    assert find_wav_data(made("flac", speechlike())) is None
    assert find_wav_data(made("wav", speechlike())[:40]) is None
    assert find_wav_data(b"") is None
