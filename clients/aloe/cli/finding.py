"""Finding a class at a terminal by typing a part of its name."""

from collections.abc import Callable

from rich.text import Text

from aloe.cli.class_menu import ClassMenu, Command
from aloe.cli.console import notes, tell
from aloe.cli.special_keys import BACKSPACE, CLEAR, ENTER, ESCAPE

_MOST_SHOWN = 12


def find_class(menu: ClassMenu, read_key: Callable[[], str], text: str = "") -> str | None:
    """Let a person type until Enter takes a class; None after Escape.

    Args:
        menu: the classes.
        read_key: waits for a key and returns it.
        text: what is typed already.
    """
    while True:
        _show(menu, text)
        key = read_key()
        if key in ENTER:
            _wipe()
            chosen = menu.choose(text)
            if chosen is not None:
                return chosen
            tell(f"  {_why_none(menu, text)}")
        elif key == ESCAPE:
            _wipe()
            return None
        elif key in BACKSPACE:
            text = text[:-1]
        elif key == CLEAR:
            text = ""
        elif key.isprintable():
            text += key


def _why_none(menu: ClassMenu, text: str) -> str:
    found = menu.matches(text)
    if not found:
        return f"no class holds {text!r}"
    return f"{text!r} may mean {len(found):,} classes: {_listed(found)}; type more"


def _listed(names: list[str]) -> str:
    more = ", ..." if len(names) > _MOST_SHOWN else ""
    return ", ".join(names[:_MOST_SHOWN]) + more


def _show(menu: ClassMenu, text: str) -> None:
    found = menu.matches(text)
    line = Text(f"  {Command.FIND.value}{text}", "bold")
    line.append(f"   {len(found):,}: {_listed(found)}", "not bold dim")
    _wipe()
    if _can_rewrite():
        notes.print(line, end="", no_wrap=True, overflow="ellipsis", crop=True)


def _wipe() -> None:
    """Empty the line that the cursor is on."""
    if _can_rewrite():
        notes.file.write("\r\x1b[2K")
        notes.file.flush()


def _can_rewrite() -> bool:
    return notes.is_terminal and not notes.is_dumb_terminal
