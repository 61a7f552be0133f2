import random
import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audio_files import made, speechlike

from aloe.audio.recorders.headers import RecorderHeaders, read_headers

WAV = made("wav", speechlike(0.1))


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def info(**texts: str) -> bytes:
    return chunk(
        b"LIST",
        b"INFO" + b"".join(chunk(name.encode(), text.encode()) for name, text in texts.items()),
    )


def bext(
    date: str = "2021-06-05", time: str = "04:03:02", samples: int = 0, text: str = "a dawn"
) -> bytes:
    fields = (text, "Zoom", "REF1", date, time)
    packed = struct.pack("<256s32s32s10s8sQ", *(each.encode() for each in fields), samples)
    return chunk(b"bext", packed + bytes(346 - len(packed)))


def read(before: bytes = b"", after: bytes = b"", **options) -> RecorderHeaders:
    return read_headers(WAV[:12] + before + WAV[12:] + after, **options)


GUANO = """GUANO|Version: 1.0
Timestamp: 2017-04-29T03:15:12.500-07:00
Loc Position: 32.1878 -104.4143
Loc Elevation: 1250.5
Make: Pettersson
Model: D500X
Serial:
Temperature Int: -3.5
TE: 10
Samplerate: 250000
Note: a bat\\nin the dark
Tags: one, two
WA|Song Meter|Audio settings: [{"rate":256000}]
"""


@pytest.mark.parametrize("where", ["before", "after"])
def test_guano_is_read_before_and_behind_the_sound(where: str) -> None:
    found = read(**{where: chunk(b"guan", GUANO.encode())})
    assert found.notes == ()
    assert found.attributes == {
        "guano_version": "1.0",
        "recorded_at": datetime(2017, 4, 29, 3, 15, 12, 500_000, timezone(-timedelta(hours=7))),
        "latitude": 32.1878,
        "longitude": -104.4143,
        "elevation_m": 1250.5,
        "recorder_make": "Pettersson",
        "recorder_model": "D500X",
        "recorder_temperature_c": -3.5,
        "time_expansion": 10.0,
        "guano_sample_rate_hz": 250_000.0,
        "note": "a bat\nin the dark",
        "tags": "one, two",
        "guano_wa_song_meter_audio_settings": '[{"rate":256000}]',
    }


@pytest.mark.parametrize("text", ["2017-04-29 03:15:12", "2017-04-29T03:15:12"])
def test_a_time_without_a_zone_is_a_text_until_somebody_says_which(text: str) -> None:
    guano = chunk(b"guan", f"Timestamp: {text}".encode())
    found = read(guano)
    assert found.attributes == {"recorded_at_local": "2017-04-29T03:15:12"}
    assert found.notes == (
        "recorded_at: 2017-04-29T03:15:12 has no time zone: say which one it is",
    )
    zone = timezone(timedelta(hours=2))
    assert read(guano, zone=zone).attributes == {
        "recorded_at": datetime(2017, 4, 29, 3, 15, 12, tzinfo=zone)
    }


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        (
            (
                "Recorded at 21:44:00 29/01/2020 (UTC) by AudioMoth 247AA5035E0609E6 at medium gain"
                " while battery was 4.2V and temperature was 21.3C."
            ),
            {
                "recorded_at": datetime(2020, 1, 29, 21, 44, tzinfo=UTC),
                "recorder_serial": "247AA5035E0609E6",
                "gain": "medium",
                "battery_v": 4.2,
                "recorder_temperature_c": 21.3,
            },
        ),
        (
            (
                "Recorded at 10:15:00 24/03/2018 by AudioMoth 0FE081F80FE081F0 at gain setting 2"
                " while battery state was 3.9V"
            ),
            {
                "recorded_at": datetime(2018, 3, 24, 10, 15, tzinfo=UTC),
                "recorder_serial": "0FE081F80FE081F0",
                "gain": "medium",
                "battery_v": 3.9,
            },
        ),
        (
            (
                "Recorded at 19:00:05 01/12/2022 (UTC-2:30) during deployment 001A2B3C4D5E6F70"
                " using external microphone at low-medium gain while battery was greater than 4.9V"
                " and temperature was -12.0C. Amplitude threshold was 512 with 1s minimum trigger"
                " duration. Recording stopped due to low voltage."
            ),
            {
                "recorded_at": datetime(
                    2022, 12, 1, 19, 0, 5, tzinfo=timezone(-timedelta(hours=2, minutes=30))
                ),
                "deployment": "001A2B3C4D5E6F70",
                "gain": "low-medium",
                "microphone": "external",
                "battery_v": 4.9,
                "battery": "greater than 4.9 V",
                "recorder_temperature_c": -12.0,
            },
        ),
        (
            (
                "Recorded at 00:00:00 11/05/2026 (UTC+5:45) by AudioMoth 242A2605648965BB at high"
                " gain while battery state was < 3.6V"
            ),
            {
                "recorded_at": datetime(
                    2026, 5, 11, tzinfo=timezone(timedelta(hours=5, minutes=45))
                ),
                "recorder_serial": "242A2605648965BB",
                "gain": "high",
                "battery_v": 3.6,
                "battery": "less than 3.6 V",
            },
        ),
    ],
)
def test_comments_of_audiomoths_are_read(comment: str, expected: dict[str, object]) -> None:
    found = read(info(ICMT=comment + "\0" * 50, IART="AudioMoth 247AA5035E0609E6"))
    assert found.notes == ()
    assert found.attributes == {
        "recorder_model": "AudioMoth",
        **expected,
        "comment": comment,
        "artist": "AudioMoth 247AA5035E0609E6",
    }


def test_a_comment_that_is_no_audiomoths_is_a_comment() -> None:
    assert read(info(ICMT="a fine evening")).attributes == {"comment": "a fine evening"}
    found = read(info(ICMT="Recorded at 25:00:00 99/01/2020 (UTC) by AudioMoth 1"))
    assert "recorded_at" not in found.attributes
    assert "is no time" in found.notes[0]


def test_broadcast_files_say_who_and_when() -> None:
    ixml = (
        b"<?xml version='1.0'?><BWFXML><PROJECT>Birds &amp; bats</PROJECT><TAKE>7</TAKE></BWFXML>"
    )
    found = read(bext(samples=16_000 * 3_600), chunk(b"iXML", ixml), zone=UTC)
    assert found.attributes == {
        "description": "a dawn",
        "originator": "Zoom",
        "originator_reference": "REF1",
        "recorded_at": datetime(2021, 6, 5, 4, 3, 2, tzinfo=UTC),
        "time_of_day_s": 3_600.0,
        "project": "Birds & bats",
        "take": "7",
    }


def test_what_is_said_first_holds() -> None:
    guano = chunk(b"guan", b"Timestamp: 2020-01-01T00:00:00Z")
    assert read(bext() + guano, zone=UTC).attributes["recorded_at"].year == 2020  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("before", "note"),
    [
        (chunk(b"guan", b"Timestamp: yesterday"), "recorded_at: 'yesterday' is no time"),
        (chunk(b"guan", b"Timestamp: 0001-01-01T00:00:00+10:00"), "is no time"),
        (chunk(b"guan", b"Loc Position: here"), "no latitude and longitude"),
        (chunk(b"guan", b"Loc Position: 1 x"), "longitude: 'x' is no number"),
        (chunk(b"guan", b"Loc Elevation: 1e999"), "elevation_m: '1e999' is no number"),
        (chunk(b"guan", b"no colon"), "'no colon' is no key with a value"),
        (chunk(b"guan", b"\xff\xfe: \x01"), ""),
        (chunk(b"guan", b"Note: " + b"x" * 9_000), "note: only the first 1,024 characters"),
        (chunk(b"guan", b"a: 1\n" * 5_000), "only the first 1,000 lines"),
        (chunk(b"guan", b"".join(b"k%d: 1\n" % n for n in range(99))), "over 64 attributes"),
        (chunk(b"guan", b"a: 1\n" * 90_000), "only the first 262,144 bytes"),
        (chunk(b"bext", b"short"), "bext: 5 bytes"),
        (bext(date="2021-13-99"), "is no time"),
        (bext(date="whenever"), "is no time"),
    ],
)
def test_what_makes_no_sense_is_noted_and_fails_nothing(before: bytes, note: str) -> None:
    found = read(before, zone=UTC)
    assert note in "; ".join(found.notes)
    assert len(found.attributes) <= 64
    assert len(found.notes) <= 10


def test_an_xml_bomb_is_a_text_like_any_other() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 9_000 + b'">]><BWFXML><NOTE>&b;&b;</NOTE></BWFXML>'
    assert read(chunk(b"iXML", bomb)).attributes == {"note": "&b;&b;"}


@pytest.mark.parametrize("content", [b"", b"RIFF", made("flac", speechlike(0.1)), WAV[:30], WAV])
def test_other_files_say_nothing(content: bytes) -> None:
    assert read_headers(content) == RecorderHeaders({}, ())


@given(st.binary(max_size=300), st.sampled_from([b"guan", b"bext", b"iXML", b"LIST"]))
def test_any_bytes_are_read_without_failing(body: bytes, name: bytes) -> None:
    read(chunk(name, b"INFOICMT" + body if name == b"LIST" else body))


def test_damaged_files_are_read_without_failing() -> None:
    rng = random.Random(2)
    moth = "Recorded at 21:44:00 29/01/2020 (UTC) by AudioMoth 247AA5035E0609E6 at medium gain"
    whole = WAV[:12] + info(ICMT=moth) + chunk(b"guan", GUANO.encode()) + bext() + WAV[12:]
    for _ in range(2_000):
        changed = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        found = read_headers(bytes(changed[: rng.randrange(len(changed))]))
        for name, value in found.attributes.items():
            assert 0 < len(name) <= 64
            assert not isinstance(value, datetime) or value.tzinfo
            assert not isinstance(value, str) or 0 < len(value) <= 1_024
