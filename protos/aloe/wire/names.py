"""Resource names: the one place that builds and parses them."""

import re
from dataclasses import dataclass

_ID = r"[A-Za-z0-9_][A-Za-z0-9_.~-]{0,127}"
ID_PATTERN = re.compile(_ID)
_POOL = re.compile(f"pools/({_ID})")
_TASK = re.compile(f"tasks/({_ID})")
_PROMOTION = re.compile(f"tasks/({_ID})/promotions/({_ID})")
_CLIP = re.compile(f"pools/({_ID})/clips/({_ID})")
_RECORDING = re.compile(f"pools/({_ID})/recordings/({_ID})")
ORACLE_ID_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~@:+-]{0,127}")
ID_RULE = "1 to 128 letters, digits, '_', '-', '.' or '~', starting with a letter, a digit or '_'"
ORACLE_ID_RULE = ID_RULE.replace("'.' or", "'.', '@', ':', '+' or")


class MalformedName(ValueError):
    """A resource name or id that does not have its form."""


def check_id(value: str) -> str:
    """Return `value` if it is an id.

    Raises:
        MalformedName: it is not.
    """
    if not ID_PATTERN.fullmatch(value):
        raise MalformedName(f"{_quote(value)} is not an id: {ID_RULE}")
    return value


def check_oracle_id(value: str) -> str:
    """Return `value` if it can name an oracle: an id, an address or "user@host:session".

    Oracles are named in no resource name, so that more characters are allowed than in other ids.

    Raises:
        MalformedName: it cannot.
    """
    if not ORACLE_ID_PATTERN.fullmatch(value):
        raise MalformedName(f"{_quote(value)} is not an oracle's id: {ORACLE_ID_RULE}")
    return value


@dataclass(frozen=True, slots=True)
class ClipName:
    """A clip's name in parts."""

    pool_id: str
    clip_id: str


@dataclass(frozen=True, slots=True)
class RecordingName:
    """A recording's name in parts."""

    pool_id: str
    recording_id: str


def pool_name(pool_id: str) -> str:
    return f"pools/{pool_id}"


def clip_name(pool_id: str, clip_id: str) -> str:
    return f"pools/{pool_id}/clips/{clip_id}"


def recording_name(pool_id: str, recording_id: str) -> str:
    return f"pools/{pool_id}/recordings/{recording_id}"


def task_name(task_id: str) -> str:
    return f"tasks/{task_id}"


def promotion_name(task_id: str, promotion_id: str) -> str:
    return f"tasks/{task_id}/promotions/{promotion_id}"


def parse_pool_name(name: str) -> str:
    """Return the pool id of "pools/{pool}".

    Raises:
        MalformedName: `name` does not have that form.
    """
    return _parse(_POOL, name, "pools/{pool}")[1]


def parse_task_name(name: str) -> str:
    """Return the task id of "tasks/{task}".

    Raises:
        MalformedName: `name` does not have that form.
    """
    return _parse(_TASK, name, "tasks/{task}")[1]


def parse_clip_name(name: str) -> ClipName:
    """Return the parts of "pools/{pool}/clips/{clip}".

    Raises:
        MalformedName: `name` does not have that form.
    """
    found = _parse(_CLIP, name, "pools/{pool}/clips/{clip}")
    return ClipName(found[1], found[2])


def parse_recording_name(name: str) -> RecordingName:
    """Return the parts of "pools/{pool}/recordings/{recording}".

    Raises:
        MalformedName: `name` does not have that form.
    """
    found = _parse(_RECORDING, name, "pools/{pool}/recordings/{recording}")
    return RecordingName(found[1], found[2])


def parse_promotion_name(name: str) -> tuple[str, str]:
    """Return the ids in "tasks/{task}/promotions/{promotion}".

    Raises:
        MalformedName: `name` does not have that form.
    """
    found = _parse(_PROMOTION, name, "tasks/{task}/promotions/{promotion}")
    return found[1], found[2]


def _parse(pattern: re.Pattern[str], name: str, form: str) -> re.Match[str]:
    found = pattern.fullmatch(name)
    if found is None:
        raise MalformedName(f"{_quote(name)} is not of the form {form}, each id being {ID_RULE}")
    return found


def _quote(value: str) -> str:
    return repr(value if len(value) <= 150 else value[:147] + "...")
