"""The commands of `aloe`, put together."""

import typer

from aloe.cli import (
    bench,
    class_life,
    clips,
    demo,
    doctor,
    exports,
    heads,
    labeling,
    pool_clips,
    pools,
    predictions,
    recordings,
    searching,
    simulate,
    tasks,
    up,
)
from aloe.cli.command_group import CommandGroup

app = typer.Typer(
    name="aloe",
    cls=CommandGroup,
    help="Label audio with few labels. While a service is away, calls are repeated: for 5 s,"
    " in `aloe label` for a minute, where much is moved for minutes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(up.up)
app.command()(demo.demo)
app.command()(simulate.simulate)
app.add_typer(bench.app, name="bench", cls=CommandGroup)
app.add_typer(pools.app, name="pool", cls=CommandGroup)
app.add_typer(pool_clips.app, name="clip", cls=CommandGroup)
app.add_typer(recordings.app, name="recording", cls=CommandGroup)
app.add_typer(tasks.app, name="task", cls=CommandGroup)
app.add_typer(class_life.app, name="class", cls=CommandGroup)
app.add_typer(heads.app, name="head", cls=CommandGroup)
app.command(name="import")(clips.import_clips)
app.command()(searching.search)
app.command()(labeling.query)
app.command()(labeling.submit)
app.command()(labeling.release)
app.command()(labeling.label)
app.command()(predictions.predict)
app.command()(exports.export)
app.command()(doctor.doctor)
