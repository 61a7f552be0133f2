"""The entry point of `aloe`: runs a command and turns what goes wrong into one line."""

import sys

import typer

from aloe.bench.datasets import DatasetError
from aloe.bench.spec import ExperimentError
from aloe.cli.app import app
from aloe.cli.console import CommandError, complain, in_flags, in_words
from aloe.client import AloeError
from aloe.local import ChildFailed, NoRedis
from aloe.oracle import OracleError

_FAILED, _INTERRUPTED = 1, 130
_EXPECTED = (
    AloeError,
    ChildFailed,
    CommandError,
    DatasetError,
    ExperimentError,
    NoRedis,
    OSError,
    OracleError,
)


def main() -> None:
    """Run the command line and exit."""
    # Names of files may hold bytes that are no text.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command line; return the exit code: 0, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        code = app(arguments, prog_name="aloe", standalone_mode=False)
    except typer.TyperException as error:
        # Usage errors know how to show the usage; their class is private.
        show = getattr(error, "show", None)
        if show:
            show()
        else:
            complain(str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has seen enough.
        sys.stderr.close()
        return _FAILED
    except ExceptionGroup as group:
        return _fail(_first(group))
    except Exception as error:  # noqa: BLE001 - sorted out below
        return _fail(error)
    return code if isinstance(code, int) else 0


def _fail(error: BaseException) -> int:
    if not isinstance(error, _EXPECTED):
        raise error
    complain((in_words if isinstance(error, AloeError) else in_flags)(str(error)))
    return _FAILED


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


if __name__ == "__main__":
    main()
