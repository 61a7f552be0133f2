"""Keys of a real terminal: each is read once, none is lost."""

import os
import pty
import signal
import termios
from collections.abc import Iterator

import pytest

from aloe.cli.class_menu import ClassMenu, Command, SetMenu
from aloe.cli.keyboard import Keyboard
from aloe.client import LabelSet

FEW = ClassMenu(["cough", "sneeze", "other"])
MANY = ClassMenu(["cat", "catfish", "-", *(f"class {number:03d}" for number in range(70))])


class Person:
    """Presses keys on one end of a terminal, whose other end is a keyboard."""

    def __init__(self, master: int, slave: int) -> None:
        self.master, self.slave, self.keyboard = master, slave, Keyboard(slave)

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())


@pytest.fixture
def person() -> Iterator[Person]:
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", 0), os.fdopen(slave, "rb", 0):
        yield Person(master, slave)


def test_keys_count_whenever_they_were_pressed(person):
    person.press("c")
    with person.keyboard as keyboard:
        person.press("s>-=<.o")
        read = [keyboard.read(FEW) for _ in range(8)]
    assert read == [
        "cough",
        "sneeze",
        Command.SKIP,
        Command.CANNOT_TELL,
        Command.AGAIN,
        Command.TAKE_BACK,
        Command.STOP,
        "other",
    ]


def test_a_key_that_waits_is_noticed_and_not_taken(person):
    with person.keyboard as keyboard:
        assert not keyboard.waits(0)
        person.press("c")
        assert keyboard.waits(5)
        assert keyboard.waits(0)
        assert keyboard.read(FEW) == "cough"


def test_enter_after_a_key_is_no_answer(person):
    with person.keyboard as keyboard:
        person.press("c\r")
        assert keyboard.read(FEW) == "cough"
        assert not keyboard.waits(0.1)
        person.press("\n\ns")
        assert keyboard.read(FEW) == "sneeze"


@pytest.mark.parametrize("keys", ["\x1b[A", "\x1bOP", "\x1b[3~", "x", "é", "\t"])
def test_keys_without_a_meaning_do_nothing(person, keys):
    with person.keyboard as keyboard:
        person.press(keys + "c")
        assert keyboard.read(FEW) == "cough"


@pytest.mark.parametrize(
    ("menu", "keys", "chosen"),
    [
        (MANY, "catf\r", "catfish"),
        (MANY, "cat\r", "cat"),
        (MANY, "069\r", "class 069"),
        (MANY, "class 0\r01\r", "class 001"),  # Told that there are several; typing goes on.
        (MANY, "xyz\x7f\x7f\x7fcatf\r", "catfish"),
        (MANY, "xyz\x15catf\r", "catfish"),
        (MANY, "/-\r", "-"),
        (MANY, "-", Command.CANNOT_TELL),
        (FEW, "/neez\r", "sneeze"),
    ],
)
def test_a_class_is_found_by_typing(person, menu, keys, chosen):
    with person.keyboard as keyboard:
        person.press(keys)
        assert keyboard.read(menu) == chosen


def test_escape_leaves_the_search(person):
    with person.keyboard as keyboard:
        person.press("ca\x1b.")
        assert keyboard.read(MANY) is Command.STOP


def test_keys_count_without_enter_after_a_stop_and_in_lines_again_at_the_end(person):
    lines = termios.tcgetattr(person.slave)
    with person.keyboard as keyboard:
        termios.tcsetattr(person.slave, termios.TCSADRAIN, lines)  # As a shell does.
        signal.raise_signal(signal.SIGCONT)
        person.press("c")
        assert keyboard.read(FEW) == "cough"
    assert termios.tcgetattr(person.slave) == lines
    assert signal.getsignal(signal.SIGCONT) == signal.SIG_DFL


def test_ctrl_d_and_a_closed_terminal_end_the_answers(person):
    with person.keyboard as keyboard:
        person.press("\x04")
        with pytest.raises(EOFError):
            keyboard.read(FEW)
    master, slave = pty.openpty()
    with os.fdopen(slave, "rb", 0), Keyboard(slave) as keyboard:
        os.close(master)
        assert keyboard.waits(5)
        with pytest.raises(EOFError):
            keyboard.read(FEW)


def test_keys_turn_classes_on_and_off_and_enter_takes_what_is_on(person):
    menu = SetMenu(["cough", "sneeze", "other"])
    with person.keyboard as keyboard:
        person.press("cos s\no\n")
        read = [keyboard.read(menu) for _ in range(2)]
    assert read == [LabelSet(("cough", "other")), LabelSet(("other",))]


def test_enter_alone_is_no_answer_and_a_command_forgets_what_was_on(person):
    menu = SetMenu(["cough", "sneeze", "other"])
    with person.keyboard as keyboard:
        person.press("\n\nc>\ns\n!")
        read = [keyboard.read(menu) for _ in range(3)]
    assert read == [Command.SKIP, LabelSet(("sneeze",)), Command.NONE]
