"""A group of commands, each told with its whole first sentence."""

from typing import Any

from typer.core import TyperGroup

_NO_LIMIT = 1_000
"""Characters; click's own help cuts sentences off at the line's end."""


class CommandGroup(TyperGroup):
    """Commands whose first sentences take as many lines of the help as they need."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands below the options."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [
            (name, each.get_short_help_str(_NO_LIMIT))
            for name, each in commands.items()
            if each is not None and not each.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
