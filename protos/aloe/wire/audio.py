"""How a recording is read, and what was found in it, to and from their messages."""

from aloe.v1 import audio_pb2
from aloe.values.audio import AudioReport, AudioWarning, ChannelRule, Decoding
from aloe.wire.enums import AUDIO_PROBLEMS, CHANNEL_RULES
from aloe.wire.errors import MalformedValue


def read_decoding(message: audio_pb2.Decoding, field: str) -> Decoding:
    """Read how to decode a recording.

    Raises:
        MalformedValue: the rule is unknown, or the channel does not go with it; it names a path
            below `field`.
    """
    rule = None
    if message.channel_rule:
        rule = CHANNEL_RULES.member(message.channel_rule, f"{field}.channel_rule")
    if (rule is ChannelRule.NUMBERED) != (message.channel > 0):
        raise MalformedValue(
            f"{field}.channel",
            "0; with channel_rule NUMBERED give a number from 1"
            if rule is ChannelRule.NUMBERED
            else f"{message.channel}; a number goes with channel_rule NUMBERED",
        )
    return Decoding(rule, message.channel, message.accept_damaged)


def write_decoding(decoding: Decoding) -> audio_pb2.Decoding:
    """Write how to decode a recording; the default is an empty message."""
    message = audio_pb2.Decoding(channel=decoding.channel, accept_damaged=decoding.accept_damaged)
    if decoding.channel_rule:
        message.channel_rule = CHANNEL_RULES.number(decoding.channel_rule)
    return message


def read_report(message: audio_pb2.AudioReport) -> AudioReport:
    """Read what was found in a recording."""
    return AudioReport(
        message.sample_rate_hz,
        message.channel_count,
        message.channel,
        tuple(map(read_warning, message.warnings)),
    )


def read_warning(message: audio_pb2.AudioWarning) -> AudioWarning:
    """Read something that was found in a recording."""
    return AudioWarning(AUDIO_PROBLEMS.member(message.problem, "problem"), message.message)


def write_report(report: AudioReport) -> audio_pb2.AudioReport:
    """Write what was found in a recording."""
    return audio_pb2.AudioReport(
        sample_rate_hz=report.sample_rate_hz,
        channel_count=report.channel_count,
        channel=report.channel,
        warnings=[
            audio_pb2.AudioWarning(
                problem=AUDIO_PROBLEMS.number(each.problem), message=each.message
            )
            for each in report.warnings
        ],
    )
