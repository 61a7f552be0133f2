"""What is known of files to import: in what recorders wrote, in their paths and in a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aloe.audio.content import opened
from aloe.audio.recorders.headers import read_headers
from aloe.bench.datasets.recording import clip_id_of
from aloe.cli.attributes import PathPattern, read_keyed
from aloe.cli.console import CommandError, are, counted, tell
from aloe.client import Attributes, NewClip

Files = Mapping[str, tuple[Path, str]]
"""Files, each with its path relative to its start, by the ids of their clips or recordings."""


def files_by_clip_id(files: list[tuple[Path, str]], id_prefix: str) -> Files:
    """Return files, each with its path relative to its start, by the ids of their clips."""
    return {clip_id_of(id_prefix + relative): (path, relative) for path, relative in files}


def with_attributes(clips: list[NewClip], files: Files, known: "FileAttributes") -> list[NewClip]:
    """Give clips the attributes of their files. Raises CommandError as FileAttributes does."""
    found = known.of_files({clip.clip_id: files[clip.clip_id] for clip in clips})
    return [replace(clip, attributes=found.get(clip.clip_id, {})) for clip in clips]


@dataclass(frozen=True, slots=True)
class FileAttributes:
    """Where it stands what is known of files: each counts over those before."""

    pattern: str | None
    """Of their paths."""
    table: Path | None
    from_headers: bool

    def of(
        self, ids: Mapping[str, Path], files: Sequence[tuple[Path, str]]
    ) -> dict[str, Attributes]:
        """Return the attributes of files by the ids of their recordings; see of_files."""
        relatives = dict(files)
        return self.of_files({each: (path, relatives[path]) for each, path in ids.items()})

    def of_files(self, files: Files) -> dict[str, Attributes]:
        """Return the attributes of files by id.

        Raises:
            CommandError: pattern or table cannot be read, or no file is among those they are of.
        """
        found: dict[str, Attributes] = {each: {} for each in files}
        sources = [
            _of_headers(files) if self.from_headers else {},
            _of_paths(files, self.pattern) if self.pattern is not None else {},
            _of_table(files, self.table) if self.table is not None else {},
        ]
        for source in sources:
            for file_id, attributes in source.items():
                found[file_id] = {**found[file_id], **attributes}
        return found


def _of_headers(files: Files) -> dict[str, Attributes]:
    found: dict[str, Attributes] = {}
    told: list[str] = []
    for file_id, (path, _) in files.items():
        try:
            with opened(path) as content:
                headers = read_headers(content)
        except OSError:  # Told where it is imported.
            continue
        found[file_id] = headers.attributes
        told += [f"{path}: {note}" for note in headers.notes]
    if told:
        more = f" and {len(told) - 1:,} more" if len(told) > 1 else ""
        tell(f"of recorder headers not all is used: {told[0]}{more}")
    return found


def _of_paths(files: Files, pattern: str) -> dict[str, Attributes]:
    relatives = [relative for _, relative in files.values()]
    found = PathPattern(pattern).read(relatives)
    _tell_missing(relatives, set(found), f"match --path-pattern {pattern!r}")
    return {
        file_id: found[relative] for file_id, (_, relative) in files.items() if relative in found
    }


def _of_table(files: Files, table: Path) -> dict[str, Attributes]:
    key, rows = read_keyed(table, ("clip_id", "path"))
    names = {file_id: _names_of(file_id, file, key) for file_id, file in files.items()}
    held = {
        file_id: next((name for name in each if name in rows), None)
        for file_id, each in names.items()
    }
    there = {names[file_id][0] for file_id, name in held.items() if name is not None}
    _tell_missing([each[0] for each in names.values()], there, f"are in {table}")
    if unused := rows.keys() - set(held.values()):
        tell(
            f"{counted(len(unused), 'row')} of {table} {are(len(unused))} of no such file,"
            f" such as {min(unused)}"
        )
    return {file_id: rows[name] for file_id, name in held.items() if name is not None}


def _names_of(file_id: str, file: tuple[Path, str], key: str) -> list[str]:
    """Return what a table may call a file."""
    path, relative = file
    if key == "clip_id":
        return [file_id]
    return [relative, str(path), str(path.resolve()), path.resolve().as_uri()]


def _tell_missing(all_of_them: list[str], found: set[str], what: str) -> None:
    """Say how many files have no attributes. Raises CommandError where none has."""
    missing = [each for each in all_of_them if each not in found]
    if len(missing) == len(all_of_them):
        raise CommandError(f"none of the files {what}; the first one is {missing[0]}")
    if missing:
        tell(f"{len(found):,} of {len(all_of_them):,} files {what}; not, for one, {missing[0]}")
