"""Files by what tables call them: by their paths, or by ends of these."""

from collections.abc import Hashable, Iterable
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T", bound=Hashable)

_MOST_SHOWN = 3


class PathEnds(Generic[T]):
    """Finds files by their paths, by ends of whole parts of these, with or without an ending."""

    def __init__(self, files: Iterable[tuple[T, Iterable[str]]]) -> None:
        """Take files with their paths, each of which may have several."""
        self._paths: dict[str, dict[T, None]] = {}
        self._ends: dict[str, dict[T, None]] = {}
        for file, paths in files:
            for path in paths:
                for each in {path, unquote(path.removeprefix("file://"))}:
                    self._paths.setdefault(each, {})[file] = None
                    self._take_ends(file, each)

    def _take_ends(self, file: T, path: str) -> None:
        parts = PurePosixPath(path).parts
        for first in range(len(parts)):
            end = PurePosixPath(*parts[first:])
            for each in {str(end), str(end.with_suffix(""))} if end.name else ():
                self._ends.setdefault(each, {})[file] = None

    def find(self, said: str) -> list[T]:
        """Return the files that a table may mean, the more it says the fewer; one, if it tells."""
        for path in (said, str(Path(said).resolve())):
            if path in self._paths:
                return list(self._paths[path])
        # As programs on Windows write them.
        for end in (said, said.replace("\\", "/")):
            if found := self._ends.get(str(PurePosixPath(end))):
                return list(found)
        return []


def told_apart(names: Iterable[str]) -> str:
    """Say that a name is that of several files, given what tells these apart."""
    shown = list(names)
    more = len(shown) - _MOST_SHOWN
    listed = ", ".join(shown[:_MOST_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    return f"it may be any of {listed}: write more of its path"
