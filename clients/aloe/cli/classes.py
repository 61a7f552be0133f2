"""The classes of a task on the command line: separated by commas, one by one, or in a file."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from aloe.values.labels import SEPARATOR

Classes = Annotated[
    str | None,
    typer.Option(help='the answers, separated by commas; a name with a comma in it in "quotes"'),
]
OneClass = Annotated[
    list[str] | None,
    typer.Option(
        "--class", metavar="NAME", help="an answer as it stands; may be given several times"
    ),
]
ClassesFrom = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="a UTF-8 file with an answer a line"),
]


def read_classes(
    separated: str | None, single: list[str] | None, file: Path | None
) -> tuple[str, ...]:
    """Return the classes that one of the options gives, or several of them in this order.

    Raises:
        typer.BadParameter: there are none, or they cannot be read.
    """
    found: list[str] = []
    if separated is not None:
        found += _split(separated)
    found += single or []
    if file is not None:
        found += _lines(file)
    if not found:
        raise typer.BadParameter("no classes: give --classes, --class or --classes-from")
    return tuple(map(class_name, found))


def class_name(text: str) -> str:
    """Return the name of a new class, of any task.

    Tasks of one label a clip take none with a separator either: the same tables of labels go from
    one task to another, and to experiments, where it would be two classes. Services take it there,
    so that older tasks and their dumps are used as they are.

    Raises:
        typer.BadParameter: it is several in tables.
    """
    if SEPARATOR in text:
        raise typer.BadParameter(
            f"class {text!r} has a {SEPARATOR!r}, which stands between the classes of a clip in"
            " tables of labels: take another sign"
        )
    return text


def _split(text: str) -> list[str]:
    try:
        [names] = csv.reader([text], strict=True, skipinitialspace=True)
    except (csv.Error, ValueError) as error:
        raise typer.BadParameter(
            f"--classes {text!r}: {error}; give such names by --class, one each"
        ) from error
    return [name.strip() for name in names if name.strip()]


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file} is not UTF-8 text; save it as UTF-8") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
