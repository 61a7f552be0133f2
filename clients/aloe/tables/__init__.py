"""Tables of text that people write: rows that know their file and line, whatever the dialect."""

from aloe.tables.answers import (
    ABSTENTION,
    ANSWER,
    LABEL,
    NEGATIVE,
    UNKNOWN,
    read_answer,
)
from aloe.tables.content import read_bytes
from aloe.tables.decimals import Numbers, number_text
from aloe.tables.errors import TableError
from aloe.tables.json_rows import YES_NO, read_json_lines, without_repeats
from aloe.tables.rows import Row, read_table

__all__ = [
    "ABSTENTION",
    "ANSWER",
    "LABEL",
    "NEGATIVE",
    "UNKNOWN",
    "YES_NO",
    "Numbers",
    "Row",
    "TableError",
    "number_text",
    "read_answer",
    "read_bytes",
    "read_json_lines",
    "read_table",
    "without_repeats",
]
