"""The help of a group of commands."""

from typer.testing import CliRunner

from aloe.cli.app import app


def test_help_tells_the_whole_first_sentence_of_each_command():
    told = " ".join(CliRunner().invoke(app, ["--help"], terminal_width=60).stdout.split())
    assert "..." not in told.partition("Commands:")[2]
    assert "Start Redis, the embedding service and the learner; Ctrl-C ends them all." in told
