"""The classes of a task, as they are given on a command line."""

import pytest
import typer

from aloe.cli.classes import read_classes


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cough,sneeze, other", ("cough", "sneeze", "other")),
        ('"Male speech, man speaking",Music', ("Male speech, man speaking", "Music")),
        (r"a\b,@home,it's", (r"a\b", "@home", "it's")),
        ("a,,b,", ("a", "b")),
    ],
)
def test_names_are_separated_by_commas_outside_quotes(text, names):
    assert read_classes(text, None, None) == names


def test_names_may_be_given_one_by_one_or_a_line_each(tmp_path):
    file = tmp_path / "classes.txt"
    file.write_text("\ufeffdía\r\n\nMale speech, man speaking\n", encoding="utf-8")
    assert read_classes(None, ["a, b", "c"], file) == (
        "a, b",
        "c",
        "día",
        "Male speech, man speaking",
    )


@pytest.mark.parametrize("text", [None, "", " , "])
def test_no_classes_are_refused(text):
    with pytest.raises(typer.BadParameter, match="--classes-from"):
        read_classes(text, None, None)


def test_a_quote_that_is_never_closed_is_refused():
    with pytest.raises(typer.BadParameter, match="--class, one each"):
        read_classes('"a,b', None, None)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    file = tmp_path / "classes.txt"
    file.write_bytes("café".encode("latin-1"))
    with pytest.raises(typer.BadParameter, match="UTF-8"):
        read_classes(None, None, file)


def test_a_class_that_would_be_several_in_tables_is_refused_in_every_task():
    with pytest.raises(typer.BadParameter, match="class 'b;c' has a ';'"):
        read_classes("a,b;c", None, None)
    with pytest.raises(typer.BadParameter, match="class 'b;c' has a ';'"):
        read_classes(None, ["b;c"], None)
