"""The text of a file, in the encoding that it has or is said to have."""

import codecs
from pathlib import Path

from aloe.tables.errors import TableError

_MARKS = (
    # The mark of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_bytes(file: Path, encoding: str | None) -> tuple[bytes, str]:
    """Return the content of a text file and the name of its encoding, by default what it seems.

    Raises:
        TableError: it cannot be read, or is no text of that encoding; the message names the line.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise TableError(f"cannot read {file}: {error.strerror}") from error
    encoding = encoding or _encoding_of(data)
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"{file}, line {line}: this is not {encoding.removesuffix('-sig').upper()} text"
            f" (byte 0x{data[error.start]:02x}); save it as UTF-8, or name its encoding where the"
            " command takes one (--encoding cp1252)"
        ) from error
    except LookupError as error:
        raise TableError(f"no encoding {encoding!r}; utf-8, utf-16 and cp1252 are some") from error
    return data, encoding


def _encoding_of(data: bytes) -> str:
    """Return the encoding by the mark in front or, without one, by the zeros of UTF-16."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if data[1:4:2] == b"\0\0":
        return "utf-16-le"
    if data[0:3:2] == b"\0\0":
        return "utf-16-be"
    # Spreadsheets put a byte order mark in front.
    return "utf-8-sig"
