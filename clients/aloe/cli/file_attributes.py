"""What is known of files to import: attributes in their paths and in a table."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from aloe.bench.datasets.recording import clip_id_of
from aloe.cli.attributes import PathPattern, read_keyed
from aloe.cli.console import CommandError, tell
from aloe.client import NewClip


def files_by_clip_id(
    files: list[tuple[Path, str]], id_prefix: str
) -> Mapping[str, tuple[Path, str]]:
    """Return files, each with its path relative to its start, by the ids of their clips."""
    return {clip_id_of(id_prefix + relative): (path, relative) for path, relative in files}


def with_attributes(
    clips: list[NewClip],
    files: Mapping[str, tuple[Path, str]],
    pattern: str | None,
    table: Path | None,
) -> list[NewClip]:
    """Give clips attributes: those of their paths, and over these those of a table.

    Raises:
        CommandError: pattern or table cannot be read, or no file is among those they are of.
    """
    if pattern is not None:
        relatives = [files[clip.clip_id][1] for clip in clips]
        found = PathPattern(pattern).read(relatives)
        _tell_missing(relatives, set(found), f"match --path-pattern {pattern!r}")
        clips = [
            replace(clip, attributes=found.get(relative, clip.attributes))
            for clip, relative in zip(clips, relatives, strict=True)
        ]
    if table is not None:
        key, rows = read_keyed(table, ("clip_id", "path"))
        names = [_names_of(clip, files[clip.clip_id], key) for clip in clips]
        held = [next((name for name in each if name in rows), None) for each in names]
        there = {each[0] for each, name in zip(names, held, strict=True) if name is not None}
        _tell_missing([each[0] for each in names], there, f"are in {table}")
        if unused := rows.keys() - set(held):
            tell(f"{len(unused):,} rows of {table} are of no such file, such as {min(unused)}")
        clips = [
            replace(clip, attributes={**clip.attributes, **rows[name]}) if name else clip
            for clip, name in zip(clips, held, strict=True)
        ]
    return clips


def _names_of(clip: NewClip, file: tuple[Path, str], key: str) -> list[str]:
    """Return what a table may call a clip."""
    path, relative = file
    if key == "clip_id":
        return [clip.clip_id]
    return [relative, str(path), str(path.resolve()), clip.uri]


def _tell_missing(all_of_them: list[str], found: set[str], what: str) -> None:
    """Say how many files have no attributes. Raises CommandError where none has."""
    missing = [each for each in all_of_them if each not in found]
    if len(missing) == len(all_of_them):
        raise CommandError(f"none of the files {what}; the first one is {missing[0]}")
    if missing:
        tell(f"{len(found):,} of {len(all_of_them):,} files {what}; not, for one, {missing[0]}")
