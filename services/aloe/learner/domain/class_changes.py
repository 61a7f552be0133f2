"""Changes of a task's classes: what each makes of them, and what may be wrong with it.

Repeating a change changes nothing. Only an active class has a hotkey, can be merged and can be
merged into, so that no class is ever merged into itself, over however many others.
"""

import string
from dataclasses import replace
from datetime import datetime

from aloe.learner.domain.classes import ClassDetails, ClassTable
from aloe.learner.domain.errors import InvalidInput
from aloe.values.classes import (
    AddClass,
    ClassChange,
    ClassState,
    DescribeClass,
    MergeClass,
    RenameClass,
    RestoreClass,
    RetireClass,
)

MAX_CLASSES = 1_000
"""That a task ever has."""
LEAST_ACTIVE = 2
MAX_CLASS_LENGTH = 128
MAX_DESCRIPTION_LENGTH = 500
HOTKEYS = string.digits + string.ascii_letters
_MOST_FORMER_NAMES = 20
"""Of a class; the earliest ones give way."""


def teaches(change: ClassChange) -> bool:
    """Whether heads that are trained after a change are others than before."""
    return not isinstance(change, RenameClass | DescribeClass)


def changed_classes(table: ClassTable, change: ClassChange, now: datetime) -> ClassTable:
    """Return the classes after a change; the same table where it changes nothing.

    Raises:
        InvalidInput: the change cannot be made; names the field of the request.
    """
    match change:
        case AddClass():
            return _added(table, change, now)
        case RenameClass():
            return _renamed(table, change)
        case MergeClass():
            return _merged(table, change)
        case RetireClass():
            return _retired(table, change)
        case RestoreClass():
            return _restored(table, change)
        case DescribeClass():
            return _described(table, change)


def wrong_name(name: str) -> str | None:
    """Return what is wrong with the name of a class, if anything is."""
    is_plain = 0 < len(name) <= MAX_CLASS_LENGTH and name.isprintable()
    # Tables of labels, which people write too, are read without blanks around their cells.
    if is_plain and name == name.strip():
        return None
    return (
        f"{name[:MAX_CLASS_LENGTH]!r} must be 1 to {MAX_CLASS_LENGTH} printable characters, without"
        " blanks at its ends"
    )


def _added(table: ClassTable, change: AddClass, now: datetime) -> ClassTable:
    _check_name(change.name, "add.name")
    _check_description(change.description, "add.description")
    if change.name in table.names:
        index = table.names.index(change.name)
        details, wanted = table.details[index], (change.description, change.hotkey)
        is_same = details.state is ClassState.ACTIVE and wanted in (
            ("", ""),
            (details.description, details.hotkey),
        )
        if is_same:
            return table
        raise InvalidInput.of("add.name", f"{_said(table, index)}; {_REMEDIES[details.state]}")
    if len(table.names) == MAX_CLASSES:
        raise InvalidInput.of(
            "add", f"there are {MAX_CLASSES:,} classes, the most that a task ever has; rename one"
        )
    _check_hotkey(table, None, change.hotkey, "add.hotkey")
    table = _without_former(table, change.name)
    details = ClassDetails(description=change.description, hotkey=change.hotkey, add_time=now)
    return ClassTable((*table.names, change.name), (*table.details, details))


def _renamed(table: ClassTable, change: RenameClass) -> ClassTable:
    _check_name(change.new_name, "rename.new_name")
    index = _find(table, change.name, "rename.name")
    name = table.names[index]
    if name == change.new_name:
        return table
    if change.new_name in table.names:
        taken = _said(table, table.names.index(change.new_name))
        raise InvalidInput.of("rename.new_name", f"{taken}; merge the two, or choose another name")
    table = _without_former(table, change.new_name)
    details = table.details[index]
    former = (*details.former_names, name)[-_MOST_FORMER_NAMES:]
    names = (*table.names[:index], change.new_name, *table.names[index + 1 :])
    return replace(table, names=names).with_details(index, replace(details, former_names=former))


def _merged(table: ClassTable, change: MergeClass) -> ClassTable:
    index = _find(table, change.name, "merge.name")
    into = _find(table, change.into, "merge.into")
    if index == into:
        raise InvalidInput.of("merge.into", f"{table.names[index]!r} cannot be merged into itself")
    if table.details[index].merged_into == into:
        return table
    _check_active(table, index, "merge.name")
    _check_active(table, into, "merge.into")
    _check_enough(table, index, "merge.name")
    return table.with_details(index, replace(table.details[index], merged_into=into, hotkey=""))


def _retired(table: ClassTable, change: RetireClass) -> ClassTable:
    index = _find(table, change.name, "retire.name")
    if table.details[index].is_retired:
        return table
    _check_active(table, index, "retire.name")
    _check_enough(table, index, "retire.name")
    return table.with_details(index, replace(table.details[index], is_retired=True, hotkey=""))


def _restored(table: ClassTable, change: RestoreClass) -> ClassTable:
    index = _find(table, change.name, "restore.name")
    details = table.details[index]
    if details.state is ClassState.ACTIVE:
        return table
    return table.with_details(index, replace(details, merged_into=None, is_retired=False))


def _described(table: ClassTable, change: DescribeClass) -> ClassTable:
    index = _find(table, change.name, "describe.name")
    details = table.details[index]
    if change.description is not None:
        _check_description(change.description, "describe.description")
        details = replace(details, description=change.description)
    if change.hotkey is not None:
        if change.hotkey:
            _check_active(table, index, "describe.hotkey")
        _check_hotkey(table, index, change.hotkey, "describe.hotkey")
        details = replace(details, hotkey=change.hotkey)
    return table if details == table.details[index] else table.with_details(index, details)


_REMEDIES = {
    ClassState.ACTIVE: "describe it to change what is said of it",
    ClassState.MERGED: "restore it, or choose another name",
    ClassState.RETIRED: "restore it, or choose another name",
}


def _find(table: ClassTable, name: str, field: str) -> int:
    index = table.find(name)
    if index is None:
        known = ", ".join(table.names[:20]) + (", ..." if len(table.names) > 20 else "")
        raise InvalidInput.of(field, f"{name[:MAX_CLASS_LENGTH]!r} is no class; there are {known}")
    return index


def _said(table: ClassTable, index: int) -> str:
    """Say in words what a class is."""
    name, details = table.names[index], table.details[index]
    if details.merged_into is not None:
        return f"{name!r} was merged into {table.names[details.merged_into]!r}"
    return f"{name!r} is retired" if details.is_retired else f"{name!r} is a class already"


def _check_name(name: str, field: str) -> None:
    wrong = wrong_name(name)
    if wrong:
        raise InvalidInput.of(field, wrong)


def _check_description(description: str, field: str) -> None:
    if len(description) > MAX_DESCRIPTION_LENGTH or not (description + " ").isprintable():
        raise InvalidInput.of(
            field,
            f"{description[:20]!r}, {len(description):,} characters; it must be one line of up to"
            f" {MAX_DESCRIPTION_LENGTH} printable characters",
        )


def _check_hotkey(table: ClassTable, own: int | None, hotkey: str, field: str) -> None:
    if not hotkey:
        return
    if len(hotkey) != 1 or hotkey not in HOTKEYS:
        raise InvalidInput.of(field, f"{hotkey[:20]!r}; it must be a digit, or a letter of a to z")
    for index, each in enumerate(table.details):
        if each.hotkey == hotkey and index != own:
            raise InvalidInput.of(field, f"{hotkey!r} is that of {table.names[index]!r}")


def _check_active(table: ClassTable, index: int, field: str) -> None:
    if table.details[index].state is not ClassState.ACTIVE:
        raise InvalidInput.of(field, f"{_said(table, index)}; restore it first")


def _check_enough(table: ClassTable, index: int, field: str) -> None:
    if len(table.active) <= LEAST_ACTIVE:
        raise InvalidInput.of(
            field,
            f"{table.names[index]!r} is one of the last {LEAST_ACTIVE} classes, and a task has so"
            " many at least; add another one first",
        )


def _without_former(table: ClassTable, name: str) -> ClassTable:
    """Return the table with a name that no class had before."""
    details: list[ClassDetails] = []
    for each in table.details:
        if name in each.former_names:
            left = tuple(former for former in each.former_names if former != name)
            details.append(replace(each, former_names=left))
        else:
            details.append(each)
    return replace(table, details=tuple(details))
