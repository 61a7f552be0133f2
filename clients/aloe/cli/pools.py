"""`aloe pool`: create, list, show and delete pools."""

from pathlib import Path
from typing import Annotated

import typer

from aloe.cli.backup import dump_pool, restore_pool
from aloe.cli.console import notes, print_json, print_table, progress
from aloe.cli.options import DEFAULT_SERVER, Json, PoolId, Server, client
from aloe.client import Pool

app = typer.Typer(help="Pools: clips and their embeddings.", no_args_is_help=True)


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


@app.command()
def show(pool_id: PoolId, server: Server = DEFAULT_SERVER, json: Json = False) -> None:
    """Show one pool."""
    with client(server) as learner:
        _show(learner.get_pool(pool_id), json=json)


@app.command()
def delete(
    pool_id: PoolId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Delete a pool with its clips; its tasks must be deleted first."""
    if not yes:
        typer.confirm(f"Delete pool {pool_id} and all its clips?", abort=True, err=True)
    with client(server) as learner:
        learner.delete_pool(pool_id)
    notes.print(f"deleted pool {pool_id}")


@app.command()
def dump(
    pool_id: PoolId,
    file: Annotated[Path, typer.Argument(help="Parquet file to write")],
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Write a pool with its tasks and their labels to one file; a broken dump can go on."""
    with client(server) as learner, progress() as bar:
        row = bar.add_task(f"dumping {pool_id}", total=learner.get_pool(pool_id).clip_count)
        clip_count, task_count = dump_pool(
            learner, pool_id, file, lambda count: bar.update(row, completed=count)
        )
    if json:
        print_json({"file": file, "clips": clip_count, "tasks": task_count})
    else:
        notes.print(f"{clip_count:,} clips and {task_count:,} tasks in {file}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="what `aloe pool dump` wrote", exists=True)],
    pool: Annotated[str | None, typer.Option(help="another id for the pool")] = None,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Make a pool and its tasks anew from a dump; what is there already is skipped."""
    with client(server) as learner, progress() as bar:
        row = bar.add_task("restoring", total=None)
        restored, task_count = restore_pool(
            learner, pool, file, lambda count: bar.update(row, completed=count)
        )
    if json:
        print_json({"pool": restored, "tasks": task_count})
    else:
        notes.print(
            f"{restored.clip_count:,} clips in pool {restored.pool_id}, {task_count:,} tasks"
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
