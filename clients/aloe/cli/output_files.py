"""Files that commands write: under their names once they are whole."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """Open a file that takes its name once it is whole, or standard output."""
    if output is None:
        yield sys.stdout
        return
    # A device or a pipe keeps its place, also one that leads to a file, as /dev/stdout may.
    if output.exists() and not (output.is_file() and output.absolute().parts[1:2] != ("dev",)):
        with output.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    output = output.resolve()  # A link goes on to where it leads.
    partial = output.with_name(f"{output.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            yield file
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Name a file that takes its name once it is whole."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
