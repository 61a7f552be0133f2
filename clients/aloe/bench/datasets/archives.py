"""Audio files within tar archives, read without extracting them to disk."""

import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from aloe.bench.datasets.errors import DatasetError


def list_members(archive: Path, suffix: str) -> list[str]:
    """Return the sorted names of the regular files whose name ends in `suffix`, in any case.

    Raises:
        DatasetError: the archive is damaged or cut off.
    """
    with _open(archive) as tar:
        return sorted(m.name for m in tar if m.isreg() and m.name.lower().endswith(suffix))


def read_member(archive: Path, member: str) -> bytes:
    """Return the content of a file within an archive.

    Raises:
        DatasetError: the archive is damaged, cut off, or does not hold the file.
    """
    contents = _contents(archive)
    if member not in contents:
        raise DatasetError(f"{archive} no longer holds {member}: load the data set again")
    return contents[member]


@lru_cache(maxsize=2)
def _contents(archive: Path) -> Mapping[str, bytes]:
    """Read all files at once: finding one in a compressed archive takes a pass from its start."""
    with _open(archive) as tar:
        return {
            member.name: file.read()
            for member in tar
            if member.isreg() and (file := tar.extractfile(member)) is not None
        }


@contextmanager
def _open(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r|*") as tar:
            yield tar
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DatasetError(
            f"{archive} cannot be read ({error}): get it again, or remove it"
        ) from error
