"""`aloe pool`: create, list, show and delete pools."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from aloe.cli.backup import Dumped, Restored, dump_pool, restore_pool
from aloe.cli.console import (
    complain,
    complain_of_unreadable,
    confirm,
    counted,
    notes,
    print_json,
    print_table,
    progress,
)
from aloe.cli.options import DEFAULT_SERVER, Json, PoolId, Server, client
from aloe.client import Pool, PoolRecording

app = typer.Typer(help="Pools: clips and their embeddings.", no_args_is_help=True)

_REFIT_TIMEOUT = timedelta(minutes=10)
_SHOWN = 5
"""Recordings that cannot be heard."""

WithoutAudio = Annotated[
    bool, typer.Option("--without-audio", help="leave the recordings out, which pools may keep")
]


@app.command()
def create(
    pool_id: PoolId,
    encoder: Annotated[
        str, typer.Option(help="an encoder of the embedding service; by default its first")
    ] = "",
    keep_audio: Annotated[
        bool, typer.Option(help="keep the audio itself, so that people elsewhere can hear it")
    ] = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Create a pool."""
    with client(server) as learner:
        _show(learner.create_pool(pool_id, encoder_id=encoder, keep_audio=keep_audio), json=json)


@app.command("list")
def list_(server: Server = DEFAULT_SERVER, json: Json = False) -> None:
    """List the pools."""
    with client(server) as learner:
        pools = learner.list_pools()
    if json:
        print_json(pools)
    else:
        print_table(
            ["pool", "clips", "encoder", "created"],
            [[pool.pool_id, pool.clip_count, pool.encoder_id, pool.create_time] for pool in pools],
        )
    complain_of_unreadable(pools)


@app.command()
def show(pool_id: PoolId, server: Server = DEFAULT_SERVER, json: Json = False) -> None:
    """Show one pool."""
    with client(server) as learner:
        _show(learner.get_pool(pool_id), json=json)


@app.command()
def refit(pool_id: PoolId, server: Server = DEFAULT_SERVER, json: Json = False) -> None:
    """Fit the maps that the pool's tasks read anew, on the clips that it has now.

    A pool that has become ten times as large gets new maps by itself. Heads that are there keep
    theirs; each task's next head reads the new ones.
    """
    with client(server) as learner:
        maps = learner.refit_pool(pool_id, timeout=_REFIT_TIMEOUT)
    if json:
        print_json(maps)
        return
    print_table(
        ["map", "representation", "version", "clips"],
        [[each.map_name, each.representation, each.version, each.clip_count] for each in maps],
    )
    notes.print("each task reads it from its next head on")


@app.command()
def delete(
    pool_id: PoolId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Delete a pool with its clips; its tasks must be deleted first."""
    with client(server) as learner:
        if not yes:
            learner.get_pool(pool_id)  # Nobody is asked about what is not there.
            confirm(f"Delete pool {pool_id} and all its clips?")
        learner.delete_pool(pool_id)
    notes.print(f"deleted pool {pool_id}")


@app.command()
def dump(
    pool_id: PoolId,
    file: Annotated[Path, typer.Argument(help="Parquet file to write; its folder is made")],
    without_audio: WithoutAudio = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Write a pool with its tasks, labels and kept audio to one file; a broken dump can go on."""
    with client(server) as learner, progress() as bar:
        row = bar.add_task(f"dumping {pool_id}", total=learner.get_pool(pool_id).clip_count)
        dumped = dump_pool(
            learner,
            pool_id,
            file,
            lambda count: bar.update(row, completed=count),
            with_audio=not without_audio,
        )
    if json:
        print_json(
            {
                "file": dumped.file,
                "clips": dumped.clip_count,
                "tasks": dumped.task_count,
                "clips_with_audio": dumped.audio_count,
                "silent_clips": dumped.silent_clips,
                "windows": dumped.window_count,
                "recordings": len(dumped.recordings),
                "recording_bytes": sum(each.byte_count for each in dumped.recordings),
                "heads": dumped.head_count,
            }
        )
    else:
        audio = _audio_of(dumped, without_audio=without_audio)
        notes.print(
            f"{counted(dumped.clip_count, 'clip')} and"
            f" {_tasks(dumped.task_count, dumped.head_count)} in {file}, {audio}",
            soft_wrap=True,
        )
    for message in dumped.silent_clips.values():
        complain(message)
    if dumped.recordings and dumped.keeps_audio and not without_audio:
        complain(_recordings_of(dumped.recordings))
    if dumped.keeps_audio and not without_audio and dumped.audio_count < dumped.clip_count:
        # A backup that is not whole must not pass for one in a script.
        raise typer.Exit(1)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="what `aloe pool dump` wrote", exists=True)],
    pool: Annotated[str | None, typer.Option(help="another id for the pool")] = None,
    without_audio: WithoutAudio = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Make a pool and its tasks anew from a dump; what is there already is skipped."""
    with client(server) as learner, progress() as bar:
        row = bar.add_task("restoring", total=None)
        restored = restore_pool(
            learner,
            pool,
            file,
            lambda count: bar.update(row, completed=count),
            with_audio=not without_audio,
        )
    if not restored.is_sealed:
        complain(
            f"{file} is of an older version, which did not seal its dumps: whether it is as it was"
            " written is not known"
        )
    if json:
        print_json(
            {
                "pool": restored.pool,
                "tasks": len(restored.tasks),
                "task_ids": restored.tasks,
                "existing_clips": restored.existing_count,
                "clips_with_audio": restored.audio_count,
                "windows": restored.window_count,
                "recordings": restored.recording_count,
                "unheard_recordings": restored.unheard_recordings,
                "heads": restored.head_count,
                "refused_heads": restored.refused_heads,
            }
        )
    else:
        audio = _audio_of(restored, without_audio=without_audio)
        existing = restored.existing_count
        notes.print(
            f"{counted(restored.pool.clip_count, 'clip')} in pool {restored.pool.pool_id}"
            f"{f' ({existing:,} were there already)' if existing else ''},"
            f" {_tasks(len(restored.tasks), restored.head_count)}, {audio}",
            soft_wrap=True,
        )
        for before, now in restored.tasks.items():
            if now != before:
                notes.print(f"{before} is a task of another pool: restored as {now}")
    for message in restored.refused_heads:
        complain(message)
    _tell_unheard(restored)
    if restored.tasks and not restored.holds_heads:
        complain(
            f"{file} is of an older version, whose dumps hold no heads: what was promoted is not"
            " there, and names must be given anew (`aloe head promote`)"
        )
    if restored.refused_heads:
        raise typer.Exit(1)


def _tasks(task_count: int, head_count: int) -> str:
    heads = f" with {counted(head_count, 'promoted head')}" if head_count else ""
    return f"{counted(task_count, 'task')}{heads}"


def _audio_of(done: Dumped | Restored, *, without_audio: bool) -> str:
    """Say what became of the audio in a dump or restore."""
    if not done.keeps_audio:
        return "no audio: the pool keeps none"
    if without_audio:
        return "its audio left out"
    windows = counted(done.window_count, "window")
    silent_count = done.clip_count - done.window_count - done.audio_count
    return (
        f"{done.audio_count:,} with their audio"
        f"{f', {silent_count:,} WITHOUT it' if silent_count else ''}"
        f"{f', {windows} of recordings' if done.window_count else ''}"
    )


def _recordings_of(recordings: Sequence[PoolRecording]) -> str:
    """Say what a dump does not hold of recordings."""
    placed_count = sum(bool(each.uri) for each in recordings)
    byte_count = sum(each.byte_count for each in recordings)
    return (
        f"{counted(len(recordings), 'recording')} in it without audio, {byte_count / 1e6:,.1f} MB:"
        f" {placed_count:,} with the place where they lie, which is read after a restore,"
        f" {len(recordings) - placed_count:,} with none. Keep the files: imported again they are"
        " kept again, and what is there is not embedded again"
    )


def _tell_unheard(restored: Restored) -> None:
    """Say which recordings of a pool that keeps audio cannot be heard."""
    unheard = restored.unheard_recordings
    for message in list(unheard.values())[:_SHOWN]:
        complain(message)
    if unheard:
        complain(
            f"{len(unheard):,} of {counted(restored.recording_count, 'recording')} cannot be"
            " heard, as dumps do not hold their audio: import them again"
        )


def _show(pool: Pool, *, json: bool) -> None:
    if json:
        print_json(pool)
        return
    print_table(
        ["pool", pool.pool_id],
        [
            ["clips", f"{pool.clip_count:,}"],
            ["encoder", f"{pool.encoder_id} ({pool.encoder_fingerprint})"],
            ["embedding size", f"{pool.embedding_dim:,}"],
            ["keeps audio", pool.keep_audio],
            ["created", pool.create_time],
        ],
    )
