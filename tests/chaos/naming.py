"""Which contents the names of clips have stood for, and which of them went."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.requests import Request

_IMPORTS = ("import_clips", "import_recording")


@dataclass(frozen=True, slots=True)
class Naming:
    """What each name may ever have stood for."""

    contents: Mapping[str, frozenset[str]]
    """By name."""
    names: Mapping[str, frozenset[str]]
    """By content."""
    imports: Mapping[str, Request]
    """The first acknowledged import of each content, of those that took it; if there is any, the
    first that no rollback may have undone."""
    attempts: Mapping[str, Sequence[Request]] = field(default_factory=dict)
    """All imports of each content, acknowledged or not."""

    def contents_of(self, name: str) -> frozenset[str]:
        """The contents of a name; of one that no import mentions, itself."""
        return self.contents.get(name) or frozenset({name})

    def names_of(self, content: str) -> frozenset[str]:
        """The names of a content."""
        return self.names.get(content) or frozenset({content})


@dataclass(frozen=True, slots=True)
class Deletion:
    """When a clip went: from the first call that could end it to the first that did for sure."""

    from_s: float
    by_s: float
    """Infinite if none did for sure, or a rollback may have brought it back."""


def read_naming(requests: Sequence[Request]) -> Naming:
    """Follow names through imports and renamings, whether these were acknowledged or not."""
    contents: dict[str, set[str]] = defaultdict(set)
    imports: dict[str, Request] = {}
    attempts: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        if request.call in _IMPORTS:
            failed = set(request.results[0]["failed"]) if request.results else set()
            for name, content in request.content["clips"]:
                contents[name].add(content)
                attempts[content].append(request)
                known = imports.get(content)
                is_better = known is None or (known.until_s < math.inf and _is_kept(request))
                if request.is_acknowledged and name not in failed and is_better:
                    imports[content] = request
    renamings = [each.content for each in requests if each.call == "rename_clip"]
    is_growing = True
    while is_growing:
        is_growing = False
        for renaming in renamings:
            new = contents[renaming["clip_id"]] - contents[renaming["new_id"]]
            contents[renaming["new_id"]] |= new
            is_growing = is_growing or bool(new)
    names: dict[str, set[str]] = defaultdict(set)
    for name, named in contents.items():
        for content in named:
            names[content].add(name)
    return Naming(_frozen(contents), _frozen(names), imports, attempts)


def _is_kept(request: Request) -> bool:
    return request.is_acknowledged and request.until_s == math.inf


def _frozen(sets: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {key: frozenset(each) for key, each in sets.items()}


def read_deletions(requests: Iterable[Request], naming: Naming) -> dict[str, Deletion]:
    """Find the contents that went, or may have gone: deleted, or replaced under their name."""
    deletions: dict[str, Deletion] = {}
    for request in requests:
        for name, content in _ended(request, naming):
            known = deletions.get(content, Deletion(math.inf, math.inf))
            is_sure = request.until_s == math.inf and _is_plain(name, content, naming, request)
            deletions[content] = Deletion(
                min(known.from_s, request.start_s),
                min(known.by_s, request.end_s if is_sure else math.inf),
            )
    return deletions


def _ended(request: Request, naming: Naming) -> Iterator[tuple[str, str]]:
    """The names that a request takes from contents, with the contents."""
    if request.call in ("delete_clips", "delete_recordings"):
        for name in request.content["clip_ids"]:
            yield from ((name, content) for content in naming.contents_of(name))
    elif request.call == "import_clips" and request.content["replace"]:
        for name, content in request.content["clips"]:
            yield from ((name, other) for other in naming.contents_of(name) - {content})


def _is_plain(name: str, content: str, naming: Naming, request: Request) -> bool:
    """Whether a clip was there for sure, under no other name, and its name stood for it."""
    if naming.names_of(content) != {name} or content not in naming.contents_of(name):
        return False
    # One that is still under way may bring it back.
    attempts = naming.attempts.get(content, ())
    if any(not each.is_acknowledged or each.last_s > request.start_s for each in attempts):
        return False
    if len(naming.contents_of(name)) > 1 + (request.call == "import_clips"):
        return False
    imported = naming.imports.get(content)
    if imported is None:
        return not naming.contents.get(name)
    return imported.until_s == math.inf and imported.end_s < request.start_s
