import pytest

from aloe.v1 import audio_pb2
from aloe.values.audio import (
    AudioProblem,
    AudioReport,
    AudioWarning,
    ChannelRule,
    Decoding,
    parse_channel,
)
from aloe.wire.audio import read_decoding, read_report, write_decoding, write_report
from aloe.wire.errors import MalformedValue


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(),
        Decoding(ChannelRule.MIX),
        Decoding(ChannelRule.LOUDEST, accept_damaged=True),
        Decoding(ChannelRule.NUMBERED, 3),
    ],
)
def test_a_decoding_survives_the_wire(decoding: Decoding) -> None:
    assert read_decoding(write_decoding(decoding), "decoding") == decoding


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (audio_pb2.Decoding(channel=2), "decoding.channel"),
        (audio_pb2.Decoding(channel_rule=audio_pb2.CHANNEL_RULE_NUMBERED), "decoding.channel"),
        (audio_pb2.Decoding(channel_rule=99), "decoding.channel_rule"),  # type: ignore[arg-type]
    ],
)
def test_a_decoding_that_makes_no_sense_is_named(message: audio_pb2.Decoding, field: str) -> None:
    with pytest.raises(MalformedValue) as caught:
        read_decoding(message, "decoding")
    assert caught.value.field == field


def test_a_report_survives_the_wire() -> None:
    warnings = tuple(AudioWarning(problem, problem.value) for problem in AudioProblem)
    report = AudioReport(48_000, 2, 1, warnings)
    assert read_report(write_report(report)) == report


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (None, 0)),
        ("mix", (ChannelRule.MIX, 0)),
        ("Left", (ChannelRule.NUMBERED, 1)),
        ("right", (ChannelRule.NUMBERED, 2)),
        ("loudest", (ChannelRule.LOUDEST, 0)),
        ("7", (ChannelRule.NUMBERED, 7)),
    ],
)
def test_channels_are_named_in_words(text: str, expected: tuple[ChannelRule | None, int]) -> None:
    assert parse_channel(text) == expected


@pytest.mark.parametrize("text", ["0", "-1", "numbered", "middle", "1.5"])
def test_a_word_that_names_no_channel_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"channel|ChannelRule"):
        parse_channel(text)
