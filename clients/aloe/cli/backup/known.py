"""What is known of clips, as a column of a backup, and of recordings, in what tells of it."""

from datetime import datetime, timedelta
from typing import Any

from aloe.cli.backup import heard
from aloe.cli.backup.arrow import arrow
from aloe.client import Attributes, AttributeValue, PoolRecording


def column_type() -> Any:
    """Return the type of the column."""
    pa = arrow()
    time = pa.timestamp("us", tz="UTC")
    values = [("text", pa.string()), ("number", pa.float64()), ("time", time)]
    return pa.list_(pa.struct([("name", pa.string()), *values]))


def dump_attributes(attributes: Attributes) -> list[dict[str, Any]]:
    """Write attributes: each is a text, a number or a time, and the others are null."""
    return [{"name": name, _kind_of(value): value} for name, value in attributes.items()]


def load_attributes(rows: list[dict[str, Any]] | None) -> Attributes:
    """Read what dump_attributes wrote; none of earlier backups, which lack the column."""
    return {
        row["name"]: next(
            value for value in (row["text"], row["number"], row["time"]) if value is not None
        )
        for row in rows or ()
    }


def dump_recording(recording: PoolRecording) -> dict[str, Any]:
    """Write a recording as JSON has it."""
    duration = recording.duration
    return {
        "recording_id": recording.recording_id,
        "content_hash": recording.content_hash,
        "create_time": recording.create_time.isoformat(),
        "byte_count": recording.byte_count,
        "uri": recording.uri,
        "decoding": heard.dump_decoding(recording.decoding),
        "report": heard.dump_report(recording.report),
        "duration_s": None if duration is None else duration.total_seconds(),
        "decoded_s": recording.decoded.total_seconds(),
        "problem": recording.problem,
        "attributes": [
            {**each, "time": each["time"].isoformat()} if "time" in each else each
            for each in dump_attributes(recording.attributes)
        ],
    }


def load_recording(stored: dict[str, Any]) -> PoolRecording:
    """Read what dump_recording wrote."""
    seconds = stored["duration_s"]
    rows = [
        {
            **dict.fromkeys(("text", "number", "time")),
            **each,
            **({"time": datetime.fromisoformat(each["time"])} if "time" in each else {}),
        }
        for each in stored["attributes"]
    ]
    return PoolRecording(
        recording_id=stored["recording_id"],
        content_hash=stored["content_hash"],
        create_time=datetime.fromisoformat(stored["create_time"]),
        byte_count=stored["byte_count"],
        uri=stored["uri"],
        decoding=heard.load_decoding(stored["decoding"]),
        report=heard.load_report(stored["report"]),
        duration=None if seconds is None else timedelta(seconds=seconds),
        decoded=timedelta(seconds=stored["decoded_s"]),
        problem=stored["problem"],
        attributes=load_attributes(rows),
    )


def _kind_of(value: AttributeValue) -> str:
    if isinstance(value, datetime):
        return "time"
    return "text" if isinstance(value, str) else "number"
