"""Where the program `aloe` begins, before anything large is loaded."""

import signal


def main() -> None:
    """Run the command line and exit.

    Ctrl-C ends the process without a trace while the libraries load, which takes a while.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from aloe.cli.__main__ import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()
