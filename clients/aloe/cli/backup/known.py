"""Attributes of clips, as a column of a backup."""

from datetime import datetime
from typing import Any

from aloe.cli.backup.arrow import arrow
from aloe.client import Attributes, AttributeValue


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


def _kind_of(value: AttributeValue) -> str:
    if isinstance(value, datetime):
        return "time"
    return "text" if isinstance(value, str) else "number"
