"""How a recording was read and what was found in it, as columns of a backup."""

from typing import Any

from aloe.cli.backup.arrow import arrow
from aloe.client import AudioProblem, AudioReport, AudioWarning, Decoding
from aloe.values.audio import parse_channel


def decoding_type() -> Any:
    """Return the type of the column of how recordings were read."""
    pa = arrow()
    return pa.struct([("channel", pa.string()), ("accept_damaged", pa.bool_())])


def report_type() -> Any:
    """Return the type of the column of what was found in them."""
    pa = arrow()
    warning = pa.struct([("problem", pa.string()), ("message", pa.string())])
    return pa.struct(
        [
            ("sample_rate_hz", pa.int64()),
            ("channel_count", pa.int64()),
            ("channel", pa.int64()),
            ("warnings", pa.list_(warning)),
        ]
    )


def dump_decoding(decoding: Decoding) -> dict[str, Any]:
    """Write how a recording was read."""
    return {"channel": decoding.channel_text, "accept_damaged": decoding.accept_damaged}


def load_decoding(row: dict[str, Any] | None) -> Decoding:
    """Read what dump_decoding wrote; the default of earlier backups, which have none."""
    return Decoding(*parse_channel(row["channel"]), row["accept_damaged"]) if row else Decoding()


def dump_report(report: AudioReport) -> dict[str, Any]:
    """Write what was found in a recording."""
    return {
        "sample_rate_hz": report.sample_rate_hz,
        "channel_count": report.channel_count,
        "channel": report.channel,
        "warnings": [
            {"problem": each.problem.value, "message": each.message} for each in report.warnings
        ],
    }


def load_report(row: dict[str, Any] | None) -> AudioReport:
    """Read what dump_report wrote; of earlier backups, that nothing is known."""
    if row is None:
        return AudioReport()
    warnings = [
        AudioWarning(AudioProblem(each["problem"]), each["message"]) for each in row["warnings"]
    ]
    return AudioReport(row["sample_rate_hz"], row["channel_count"], row["channel"], tuple(warnings))
