"""The seal of a backup: a hash of all of its file, in its own footer.

One flipped bit may leave a Parquet file that reads well and says otherwise, as which clip has which
label. The seal is hashed as if it were zeros, as it stands there while the file is written.
"""

import hashlib
import re
from pathlib import Path
from typing import Any, BinaryIO

_KEY = "aloe-seal"
_FRONT, _LENGTH, _BACK = b"\naloe-sha256 ", 64, b"\n"
_SEAL = re.compile(_FRONT + rb"[0-9a-f]{%d}" % _LENGTH + _BACK)
"""The last one in a file is it: what else may hold such bytes, texts of clips and what is told of
their columns, stands in front of the footer's metadata."""
_SEAL_LENGTH = len(_FRONT) + _LENGTH + len(_BACK)
_AT_ONCE = 1024 * 1024


def reserve_seal(writer: Any) -> None:
    """Have a ParquetWriter write a seal of zeros."""
    writer.add_key_value_metadata({_KEY: (_FRONT + _LENGTH * b"0" + _BACK).decode()})


def seal(path: Path) -> None:
    """Write the hash of a file in the place that was reserved."""
    with path.open("r+b") as file:
        place = _place_of(file)
        if place is None:
            raise ValueError(f"{path} has no place for a seal")
        digest = _hash_of(file, place)
        file.seek(place)
        file.write(digest)


def is_intact(path: Path) -> bool | None:
    """Say whether a file is as it was sealed; None if it has no seal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        place = _place_of(file)
        if place is None:
            return None
        file.seek(place)
        return file.read(_LENGTH) == _hash_of(file, place)


def _place_of(file: BinaryIO) -> int | None:
    """Return where the hash stands in a file."""
    end = file.seek(0, 2)
    behind = b""
    while end > 0:
        begin = max(0, end - _AT_ONCE)
        file.seek(begin)
        some = file.read(end - begin) + behind
        if found := list(_SEAL.finditer(some)):
            return begin + found[-1].start() + len(_FRONT)
        end, behind = begin, some[: _SEAL_LENGTH - 1]
    return None


def _hash_of(file: BinaryIO, place: int) -> bytes:
    digest = hashlib.sha256()
    file.seek(0)
    left = place
    while left > 0 and (some := file.read(min(left, _AT_ONCE))):
        digest.update(some)
        left -= len(some)
    digest.update(_LENGTH * b"0")
    file.seek(place + _LENGTH)
    while some := file.read(_AT_ONCE):
        digest.update(some)
    return digest.hexdigest().encode()
