"""`aloe recording`: list, show and delete recordings of a pool."""

from typing import Annotated, Any

import typer

from aloe.cli.attributes import text_of
from aloe.cli.console import confirm, counted, notes, print_json, print_table
from aloe.cli.options import DEFAULT_SERVER, Json, PoolId, Server, client
from aloe.client import PoolRecording

app = typer.Typer(
    help="The recordings of a pool, of which windows are clips.", no_args_is_help=True
)

RecordingId = Annotated[str, typer.Argument(metavar="RECORDING", help="the recording's id")]


@app.command("list")
def list_(pool_id: PoolId, server: Server = DEFAULT_SERVER, json: Json = False) -> None:
    """List the recordings of a pool by id."""
    with client(server) as learner:
        found = list(learner.list_recordings(pool_id))
    if json:
        print_json(found)
        return
    print_table(
        ["recording", "seconds", "windows", "bytes", "problem", "URI"],
        [
            [
                each.recording_id,
                _seconds(each),
                each.window_count,
                each.byte_count,
                each.problem or None,
                each.uri or None,
            ]
            for each in found
        ],
    )


@app.command()
def show(
    pool_id: PoolId, recording_id: RecordingId, server: Server = DEFAULT_SERVER, json: Json = False
) -> None:
    """Show one recording."""
    with client(server) as learner:
        found = learner.get_recording(pool_id, recording_id)
    if json:
        print_json(found)
        return
    rows: list[list[Any]] = [
        ["seconds", _seconds(found)],
        ["decoded so far", f"{found.decoded.total_seconds():.3f}"],
        ["windows", found.window_count],
        ["bytes", found.byte_count],
        ["sampling rate", found.report.sample_rate_hz or None],
        ["channels", found.report.channel_count or None],
        ["problem", found.problem or None],
        ["URI", found.uri or None],
        ["content hash", found.content_hash],
        *([name, text_of(value)] for name, value in found.attributes.items()),
        *(["found in it", warning.message] for warning in found.report.warnings),
    ]
    print_table(["recording", found.recording_id], rows)


@app.command()
def delete(
    pool_id: PoolId,
    recording_ids: Annotated[
        list[str], typer.Argument(metavar="RECORDING...", help="ids of recordings")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Delete recordings with their windows and the labels of these."""
    ids = list(dict.fromkeys(recording_ids))
    if not yes:
        what = f"recording {ids[0]}" if len(ids) == 1 else f"{len(ids):,} recordings"
        confirm(f"Delete {what} of pool {pool_id}, with windows and labels?")
    with client(server) as learner:
        deleted = learner.delete_recordings(pool_id, ids)
    if json:
        print_json(deleted)
        return
    notes.print(
        f"deleted {counted(deleted.recording_count, 'recording')} and"
        f" {counted(deleted.window_count, 'window')}"
    )


def _seconds(recording: PoolRecording) -> str | None:
    return None if recording.duration is None else f"{recording.duration.total_seconds():.3f}"
