"""Names of maps: kind, version and what its contents decide. Heads name theirs."""

from collections.abc import Iterable

from aloe.values.representations import Representation

_PART = "."


def map_name(kind: Representation, version: int, digest: str) -> str:
    """Return the name of a map: "kernel.1.0f3b…"."""
    return _PART.join((kind.value, str(version), digest))


def representation_of(name: str) -> Representation:
    """Return the kind of a map by its name; NONE for an empty one.

    Raises:
        ValueError: it is no map's.
    """
    return Representation(name.partition(_PART)[0]) if name else Representation.NONE


def version_of(name: str) -> int:
    """Return the version of a map by its name. Raises ValueError where it is no map's."""
    return int(name.split(_PART)[1] if name.count(_PART) else name)


def newest_names(names: Iterable[str]) -> set[str]:
    """Return the name of the newest map of each kind. Raises ValueError where one is no map's."""
    newest: dict[Representation, tuple[int, str]] = {}
    for name in names:
        kind, mine = representation_of(name), (version_of(name), name)
        # Of two of one version every process takes the same.
        newest[kind] = max(mine, newest.get(kind, mine))
    return {name for _, name in newest.values()}
