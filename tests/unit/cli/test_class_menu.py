"""Which key, line or part of a name gives which class."""

import string

import pytest

from aloe.cli.class_menu import CLASS_KEYS, ClassMenu, Command, SetMenu, assign_keys
from aloe.client import ClassState, LabelSet, TaskClass

MANY = [f"class {number:03d}" for number in range(70)]


@pytest.mark.parametrize(
    ("classes", "keys"),
    [
        (["cough", "sneeze", "other"], "cso"),
        (["cough", "Cough"], "12"),
        (["cat", "catfish"], "12"),
        (["A", "a"], "Aa"),
        (["да", "нет"], "12"),
        (["x", "xylophone"], "x1"),
        ([*string.digits], string.digits),
        (["1", "one", "-", "."], "1234"),
        (["two", "1", "three", "-"], "2134"),
        (["Kelvin", "Male speech, man speaking", r"a\b"], "kma"),
        (["@home", "=", "<", ">", "/"], "12345"),
    ],
)
def test_each_class_has_a_key_of_its_own(classes, keys):
    assert assign_keys(classes) == dict(zip(keys, classes, strict=True))


@pytest.mark.parametrize(
    ("classes", "hotkeys", "keys"),
    [
        (["cough", "sneeze", "other"], {"x": "cough"}, "xso"),
        # The first letter of one is the hotkey of another.
        (["cough", "sneeze", "other"], {"s": "cough"}, "s12"),
        (["a", "b"], {"a": "b"}, "1a"),
        (["cough", "sneeze"], {"1": "cough", "0": "sneeze"}, "10"),
    ],
)
def test_hotkeys_are_given_and_the_others_have_what_is_free(classes, hotkeys, keys):
    assert assign_keys(classes, hotkeys) == dict(zip(keys, classes, strict=True))


def test_what_is_known_of_classes_is_told_of_those_that_can_be_answered_with():
    def a_class(name: str, description: str, hotkey: str = "") -> TaskClass:
        return TaskClass(name, ClassState.ACTIVE, None, description, hotkey, (), None)

    details = [a_class("cough", "dry or wet", "x"), a_class("gone", "is not told", "y")]
    menu = ClassMenu(["cough", "sneeze"], details)
    assert menu.legend().startswith("x cough: dry or wet\ns sneeze\n")
    assert (menu.read_key("x"), menu.read_key("y")) == ("cough", None)


@pytest.mark.parametrize("count", [2, 9, 10, 11, 62])
def test_no_key_of_a_class_is_that_of_a_command(count):
    keys = assign_keys(f"-{number}" for number in range(count))
    assert len(keys) == count
    assert keys.keys().isdisjoint(each.value for each in Command)


def test_more_classes_than_keys_have_none_and_each_is_found_by_its_name():
    assert len(CLASS_KEYS) == 62
    assert not assign_keys(MANY)
    menu = ClassMenu(MANY)
    assert "70 classes: type a part" in menu.legend()
    assert [menu.choose(name) for name in MANY] == MANY
    assert [menu.read_line(name) for name in MANY] == MANY


ODD = [
    *("cat", "catfish", "Cough", "cough", "dog", "Male speech, man speaking", "Zoë", "straße"),
    *(r"back\slash", "@home", "-", ".", "=", "/", "/cat", "кашель", "two  spaces", "a = b"),
]


@pytest.mark.parametrize("name", ODD)
def test_every_name_is_found_as_it_stands(name):
    assert ClassMenu(ODD).choose(name) == name
    others = [each for each in ODD if each != f"/{name}"]
    assert ClassMenu(others).read_line(f"/{name}") == name


@pytest.mark.parametrize("name", [name for name in ODD if name not in "-.=/"])
def test_a_line_may_be_the_name(name):
    assert ClassMenu(ODD).read_line(name) == name


def test_a_line_of_a_commands_character_is_the_command():
    menu = ClassMenu(ODD)
    assert menu.read_line("-") is Command.CANNOT_TELL
    assert menu.read_line(" . ") is Command.STOP
    assert menu.read_line("?") is None
    assert menu.read_line("/") == "/"
    assert ClassMenu(["a", "b"]).read_line("/") is None


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("cat", "cat"),  # Though another begins with it.
        ("catf", "catfish"),
        ("DOG", "dog"),
        ("speaking", "Male speech, man speaking"),
        ("zoe\u0308", "Zoë"),
        ("STRASSE", "straße"),
        ("КАШ", "кашель"),
        ("home", "@home"),
        ("COUGH", None),  # Two differ only in case.
        ("c", None),
        ("", None),
        ("bird", None),
    ],
)
def test_a_part_of_a_name_gives_the_only_class_it_fits(text, chosen):
    assert ClassMenu(ODD).choose(text) == chosen


def test_names_that_begin_with_the_text_are_shown_first():
    menu = ClassMenu(["concatenate", "catfish", "cat", "dog"])
    assert menu.matches("cat") == ["cat", "catfish", "concatenate"]
    assert menu.matches("") == ["concatenate", "catfish", "cat", "dog"]


def test_a_line_may_name_several_classes_where_a_clip_has_several():
    menu = SetMenu(["cough", "sneeze", "other"])
    assert menu.read_line("c;sneeze") == LabelSet(("cough", "sneeze"))
    assert menu.read_line("other") == LabelSet(("other",))
    assert menu.read_line("c; c") == LabelSet(("cough",))
    assert menu.read_line("!") is Command.NONE
    assert menu.read_line("-") is Command.CANNOT_TELL
    for line in ("c;x", "c;-", "", ";", "x"):
        assert menu.read_line(line) is None


def test_a_clip_of_one_class_cannot_be_of_none():
    menu = ClassMenu(["cough", "sneeze"])
    assert menu.read_line("!") is None
    assert "none of them" not in menu.legend()
    assert "none of them" in SetMenu(["cough", "sneeze"]).legend()
