"""`aloe import`: audio files into a pool."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from aloe.bench.datasets.recording import clip_id_of
from aloe.cli.console import CommandError, complain, counted, notes, print_json, progress, reason_of
from aloe.cli.file_attributes import FileAttributes, files_by_clip_id, with_attributes
from aloe.cli.options import (
    DEFAULT_SERVER,
    AcceptDamaged,
    Channel,
    Files,
    Json,
    PoolId,
    Server,
    audio_files,
    client,
    parse_decoding,
)
from aloe.cli.recording_files import AskedCut
from aloe.cli.recording_import import (
    RECORDING_PATIENCE,
    import_recordings,
    recording_ids,
    tell_recordings,
)
from aloe.client import (
    AudioProblem,
    AudioWarning,
    Decoding,
    DuplicateRule,
    ImportSummary,
    LastWindow,
    LearnerClient,
    NewClip,
)
from aloe.values.audio import DEFAULT_DECODING

_SHOWN_FAILURES = 20
_SHOWN_DUPLICATES = 20


def import_clips(
    pool_id: PoolId,
    paths: Files,
    id_prefix: Annotated[
        str, typer.Option(help="put in front of every clip's id, as where two folders are alike")
    ] = "",
    channel: Channel = "",
    accept_damaged: AcceptDamaged = False,
    duplicates: Annotated[
        DuplicateRule,
        typer.Option(
            help="what becomes of a file whose recording is there under another id: another name of"
            " that clip, a clip of its own, or a failure"
        ),
    ] = DuplicateRule.ALIAS,
    replace: Annotated[
        bool,
        typer.Option(help="give ids that have another recording the new one, without its labels"),
    ] = False,
    attributes: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="what is known of the clips: CSV or JSON lines with a column path or clip_id; each"
            " other column is an attribute, a number or time where all of it looks so, or as a"
            " heading such as site:text, snr:number, made:time says",
        ),
    ] = None,
    path_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="attributes in the paths below the folder: '{site}/{made:time}_*.wav'; a * stands"
            " for anything within a name, ** for folders",
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="cut each file, of any length, into windows of so much, such as 5s: all are clips",
        ),
    ] = None,
    hop: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="from one window to the next; by default the window's length"
        ),
    ] = None,
    last_window: Annotated[
        LastWindow,
        typer.Option(help="what becomes of half a window or more that is left at the end"),
    ] = LastWindow.SHORT,
    segments: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="cut these parts out of the files: CSV with path,start,end in seconds, JSON lines,"
            " or what Raven, Audacity (labels) or Praat (TextGrid) wrote",
        ),
    ] = None,
    split_silence: Annotated[
        bool, typer.Option("--split-silence", help="cut the sounds between silences out")
    ] = False,
    recorder_headers: Annotated[
        bool,
        typer.Option(
            "--recorder-headers",
            help="attributes that recorders wrote into WAV files: GUANO, AudioMoth, bext, iXML",
        ),
    ] = False,
    create: Annotated[bool, typer.Option(help="create the pool if it is not there")] = True,
    keep_audio: Annotated[
        bool,
        typer.Option(
            "--keep-audio",
            help="have the learner keep the recordings, so that clips can be heard whatever becomes"
            " of their files; the pool is created so, or must have been",
        ),
    ] = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Import audio files into a pool, each as a clip or cut into windows.

    What is there is skipped, so that an import that broke off goes on where it was. With --window,
    --segments or --split-silence files may be of any length.
    """
    decoding = parse_decoding(channel, accept_damaged=accept_damaged)
    files = audio_files(paths)
    known = FileAttributes(path_pattern, attributes, from_headers=recorder_headers)
    asked = AskedCut(window, hop, last_window, segments, split_silence)
    if asked.is_any:
        if replace or duplicates is not DuplicateRule.ALIAS:
            raise typer.BadParameter("--replace and --duplicates are for files that are clips")
        recordings = recording_ids(files, id_prefix)
        cuts, attributes_of = asked.read(files), known.of(recordings, files)
        with client(server, RECORDING_PATIENCE) as learner:
            _prepare_pool(learner, pool_id, create=create, keep_audio=keep_audio)
            found = import_recordings(learner, pool_id, recordings, cuts, attributes_of, decoding)
        if json:
            print_json({"recordings": found[0], "failures": found[1]})
        cut_of = {name: cuts[path] for name, path in recordings.items() if path in cuts}
        tell_recordings(*found, cut_of)
        return
    clips = with_attributes(
        _new_clips(files, id_prefix, decoding), files_by_clip_id(files, id_prefix), known
    )
    with client(server) as learner, progress() as bar:
        _prepare_pool(learner, pool_id, create=create, keep_audio=keep_audio)
        if replace:
            _check_origins(learner, pool_id, clips)
        row = bar.add_task(f"importing into {pool_id}", total=len(clips))
        try:
            summary = learner.import_clips(
                pool_id,
                clips,
                duplicates=duplicates,
                replace=replace,
                on_progress=lambda count: bar.update(row, completed=count),
            )
        except KeyboardInterrupt:
            notes.print("what was sent stays imported: the same command goes on from there")
            raise
    if json:
        print_json(summary)
    else:
        _tell_counts(summary)
    _tell_rest(summary)


def _tell_rest(summary: ImportSummary) -> None:
    """Say what was found in the files, and what failed. Raises typer.Exit where anything did."""
    tell_warnings((each.clip_id, each.warnings) for each in summary.warnings)
    if summary.warned_count > len(summary.warnings):
        more = summary.warned_count - len(summary.warnings)
        notes.print(f"and something in {counted(more, 'more clip')}; `aloe clip list --json` tells")
    for failure in summary.failures[:_SHOWN_FAILURES]:
        complain(f"{failure.clip_id}: {reason_of(failure)}")
    if len(summary.failures) > _SHOWN_FAILURES:
        complain(f"and {len(summary.failures) - _SHOWN_FAILURES:,} more failed; --json lists all")
    if summary.failures:
        raise typer.Exit(1)


def _tell_counts(summary: ImportSummary) -> None:
    """Say what became of the files; of duplicates, of which clip each is a name now."""
    replaced = f"{summary.replaced_count:,} replaced, without their labels"
    counts = [
        f"{summary.imported_count:,} imported",
        f"{summary.existing_count:,} were there",
        *([replaced] if summary.replaced_count else []),
        *([f"{summary.duplicate_count:,} became other names"] if summary.duplicate_count else []),
        *([f"{summary.updated_count:,} got other attributes"] if summary.updated_count else []),
        f"{len(summary.failures):,} failed",
    ]
    notes.print(", ".join(counts))
    for each in summary.duplicates[:_SHOWN_DUPLICATES]:
        notes.print(
            f"{each.clip_id}: the same recording as {each.same_as}, and another name of it now",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if summary.duplicate_count > _SHOWN_DUPLICATES:
        more = summary.duplicate_count - _SHOWN_DUPLICATES
        notes.print(f"and {counted(more, 'more duplicate')}; `aloe clip duplicates` lists all")


def tell_warnings(found: Iterable[tuple[str, Iterable[AudioWarning]]]) -> None:
    """Say what was found in recordings that were taken, by name, a line for each kind of it."""
    firsts: dict[AudioProblem, tuple[str, str]] = {}
    counts: Counter[AudioProblem] = Counter()
    for name, warnings in found:
        for warning in warnings:
            counts[warning.problem] += 1
            firsts.setdefault(warning.problem, (name, warning.message))
    for problem, (name, message) in firsts.items():
        notes.print(
            f"{counts[problem]:,} {problem.words}, such as {name}: {message}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _prepare_pool(learner: LearnerClient, pool_id: str, *, create: bool, keep_audio: bool) -> None:
    """Create a pool if it is not there. Raises CommandError where it keeps no audio as asked."""
    pool = next((pool for pool in learner.list_pools() if pool.pool_id == pool_id), None)
    if pool is None and create:
        learner.create_pool(pool_id, keep_audio=keep_audio)
    elif pool is not None and keep_audio and not pool.keep_audio:
        raise CommandError(
            f"pool {pool_id} was created without --keep-audio, which cannot be changed: import into"
            " another pool, or without the option"
        )


def _check_origins(learner: LearnerClient, pool_id: str, clips: list[NewClip]) -> None:
    """Raise CommandError where a clip that would be replaced came from a file of another path.

    The same file has one id by itself and another one within its folder, which a file there may
    have as well.
    """
    known = {clip.clip_id: clip.uri for clip in learner.list_clips(pool_id)}
    for clip in clips:
        origin = known.get(clip.clip_id)
        if origin and origin != clip.uri:
            raise CommandError(
                f"{clip.uri} may replace the clip {clip.clip_id}, which came from {origin}:"
                " import by the same folder as then, or with an --id-prefix, or delete that clip"
                " first"
            )


def _new_clips(
    files: list[tuple[Path, str]], id_prefix: str, decoding: Decoding = DEFAULT_DECODING
) -> list[NewClip]:
    """Give every file its clip id. Raises CommandError where two files would have the same."""
    by_id: dict[str, Path] = {}
    for path, relative in files:
        clip_id = clip_id_of(id_prefix + relative)
        other = by_id.setdefault(clip_id, path)
        if other.resolve() != path.resolve():
            raise CommandError(
                f"{other} and {path} would both be the clip {clip_id}: import the folder above"
                " both, or one after the other, each with an --id-prefix of its own"
            )
    return [
        NewClip(clip_id, audio=path, uri=path.resolve().as_uri(), decoding=decoding)
        for clip_id, path in by_id.items()
    ]
