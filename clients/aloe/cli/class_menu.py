"""What a key, a line or a part of a name means while clips are labeled at a terminal."""

import string
import unicodedata
from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType

from aloe.client import Label, LabelSet, TaskClass
from aloe.values.labels import SEPARATOR

CLASS_KEYS = string.digits[1:] + "0" + string.ascii_lowercase + string.ascii_uppercase

_NO_HOTKEYS: Mapping[str, str] = MappingProxyType({})


class Command(Enum):
    """What a person may do besides naming a class. No command's key can be a class's."""

    CANNOT_TELL = "-"
    """The clip leaves the pool without a label."""
    SKIP = ">"
    """The clip stays unlabeled and comes back when the others are done."""
    AGAIN = "="
    TAKE_BACK = "<"
    FIND = "/"
    """Name a class by a part of its name."""
    STOP = "."
    NONE = "!"
    """Where a clip may have several labels: it has none."""


_MEANINGS = {
    Command.CANNOT_TELL: "cannot tell",
    Command.SKIP: "skip, comes back",
    Command.AGAIN: "again",
    Command.TAKE_BACK: "take back",
    Command.FIND: "find a class",
    Command.STOP: "stop",
    Command.NONE: "none of them",
}

Choice = Command | Label
"""A command, or the name of a class, or several of them."""


class ClassMenu:
    """The classes of a task: a key for each, if there are enough, and words for all."""

    def __init__(self, classes: Iterable[str], details: Iterable[TaskClass] = ()) -> None:
        """Take the classes that can be answered with, and what is known of those and others."""
        self.classes = tuple(classes)
        known = {each.name: each for each in details if each.name in self.classes}
        self.by_key = assign_keys(
            self.classes, {each.hotkey: name for name, each in known.items() if each.hotkey}
        )
        self._descriptions = {name: each.description for name, each in known.items()}
        self.commands = [each for each in Command if each is not Command.NONE]
        self._folded = {name: _fold(name) for name in self.classes}

    def legend(self) -> str:
        """Return in one text what may be typed."""
        if self.by_key:
            said = [f"{key} {self._described(name)}" for key, name in self.by_key.items()]
            classes = ("\n" if any(self._descriptions.values()) else "  ").join(said)
        else:
            classes = f"{len(self.classes):,} classes: type a part of a name, Enter takes it"
        commands = "  ".join(f"{each.value} {_MEANINGS[each]}" for each in self.commands)
        return f"{classes}\n{commands}"

    def _described(self, name: str) -> str:
        description = self._descriptions.get(name)
        return f"{name}: {description}" if description else name

    def read_key(self, key: str) -> Choice | None:
        """Return what a key means, None if nothing."""
        command = next((each for each in self.commands if each.value == key), None)
        return command or self.by_key.get(key)

    def read_line(self, line: str) -> Choice | None:
        """Return what a line means, None if nothing.

        A line is a key, the name of a class, or "/" and what `choose` understands.
        """
        word = line.strip()
        choice = self.read_key(word)
        if choice is None or choice is Command.FIND:
            choice = next((each for each in (line, word) if each in self._folded), None)
        if choice is None and word.startswith(Command.FIND.value):
            choice = self.choose(line.lstrip()[1:])
        return choice

    def choose(self, text: str) -> str | None:
        """Return the class of that name or, but for case, the only one; or the only one it fits."""
        for name in (text, text.strip()):
            if name in self._folded:
                return name
        found = self.matches(text)
        alike = [name for name in found if self._folded[name] == _fold(text)]
        if alike:
            found = alike
        return found[0] if len(found) == 1 else None

    def matches(self, text: str) -> list[str]:
        """Return the classes that hold a text, whatever its case: those that begin with it first.

        Of these in turn the shorter ones come first, so that a name leads those that it begins.
        """
        wanted = _fold(text)
        found = [name for name in self.classes if wanted in self._folded[name]]
        if wanted:
            begin = [name for name in found if self._folded[name].startswith(wanted)]
            begin.sort(key=len)
            found = begin + [name for name in found if not self._folded[name].startswith(wanted)]
        return found


class SetMenu(ClassMenu):
    """The classes of a task of several labels a clip: each key turns its class on or off."""

    def __init__(self, classes: Iterable[str], details: Iterable[TaskClass] = ()) -> None:
        """Take the classes, as for one label a clip; none is on."""
        super().__init__(classes, details)
        self.commands = list(Command)
        self.chosen: list[str] = []
        """What is on, in the order of the keys."""

    def legend(self) -> str:
        """Return in one text what may be typed."""
        return f"{super().legend()}\neach key turns its class on or off, Enter stores them"

    def toggle(self, name: str) -> str:
        """Turn a class on or off; return what is on."""
        if name in self.chosen:
            self.chosen.remove(name)
        else:
            self.chosen.append(name)
        return SEPARATOR.join(self.chosen) or "nothing yet"

    def take(self) -> LabelSet | None:
        """Return what is on, and turn it off; None where nothing is."""
        chosen, self.chosen = self.chosen, []
        return LabelSet(tuple(chosen)) if chosen else None

    def read_line(self, line: str) -> Choice | None:
        """Return what a line means, None if nothing.

        A line is what it is where a clip has one label, or several of these with ";" between them.
        """
        names: list[str] = []
        for part in line.split(SEPARATOR):
            choice = super().read_line(part)
            if isinstance(choice, Command):
                return choice if part == line else None
            if not isinstance(choice, str):
                return None
            names.append(choice)
        return LabelSet(tuple(dict.fromkeys(names)))


def assign_keys(classes: Iterable[str], hotkeys: Mapping[str, str] = _NO_HOTKEYS) -> dict[str, str]:
    """Give each class a key; none at all where there are more classes than keys.

    Hotkeys are given. A name that is a letter or a digit is its own key, if that is free. The
    others have their first letters if these are all different and free; else the free keys in turn.

    Args:
        classes: the classes.
        hotkeys: key to class, of some of them.
    """
    classes = tuple(classes)
    if len(classes) > len(CLASS_KEYS):
        return {}
    given = {name: key for key, name in hotkeys.items()}
    own = [
        name
        for name in classes
        if len(name) == 1 and name in CLASS_KEYS and name not in {*given, *hotkeys}
    ]
    others = [name for name in classes if name not in {*given, *own}]
    letters = [name[0].lower() for name in others]
    free = [key for key in CLASS_KEYS if key not in {*hotkeys, *own}]
    differ = len(set(letters)) == len(letters)
    if not differ or not all(letter in free and letter.isalpha() for letter in letters):
        letters = free
    key_of = given | dict(zip(own, own, strict=True)) | dict(zip(others, letters, strict=False))
    return {key_of[name]: name for name in classes}


def _fold(text: str) -> str:
    """Make texts equal that look alike or differ only in case, also where accents were typed."""
    return unicodedata.normalize("NFKC", text.strip()).casefold()
