"""Which id names which clip of a pool, which clips have the same content, and how that changes.

A row and its vector never change, so that events and heads stay true. What changes is which ids
name a row; a row that loses its last name is retired.
"""

from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace

from aloe.learner.domain.clip_changes import (
    EXISTING,
    NEW,
    REPLACED,
    ClipUpdate,
    FoundClip,
    ImportRules,
    Placement,
    Placing,
    Removal,
)
from aloe.learner.domain.errors import AlreadyExists, ClipNotFound, InvalidInput
from aloe.learner.domain.pool import ChangedClip, Clip
from aloe.values.attributes import Attributes, MalformedAttribute, check_size
from aloe.values.duplicates import DuplicateRule

_MOST_SHOWN = 10
MAX_OTHER_IDS = 10_000
"""Of one clip; its record is read and written whole."""


@dataclass(slots=True)
class ClipIndex:
    """What is known of a pool's clips: of all, or of those that a change concerns."""

    pool_id: str
    row_count: int
    ids: MutableMapping[str, FoundClip] = field(default_factory=dict)
    """The clip that each id names."""
    freed: MutableMapping[str, int] = field(default_factory=dict)
    """Ids that name none any more, each with the row that it named last."""
    contents: MutableMapping[str, list[int]] = field(default_factory=dict)
    """By content hash the rows that have it, retired ones excluded; never empty."""
    clips: MutableMapping[int, Clip] = field(default_factory=dict)
    """By row."""
    changed_rows: dict[int, None] = field(default_factory=dict)
    """Of clips that changed since take_changes was called, in order."""
    retired_count: int = 0
    """Rows that were retired since this was made."""

    def place(self, clip: Clip, rules: ImportRules) -> Placement:
        """Add a clip, under its other ids too, or say what is there instead."""
        known = self.ids.get(clip.clip_id)
        is_there = known is not None and known.content_hash == clip.content_hash
        if known is not None and not (is_there or rules.replace):
            return Placement(Placing.ID_TAKEN, clip.clip_id)
        for other_id in clip.other_ids:
            holder = self.ids.get(other_id)
            if holder is not None and not (is_there and holder == known):
                return Placement(Placing.ID_TAKEN, other_id)
        if known is not None and is_there:
            return self._add_to(known, clip, clip.other_ids, EXISTING)
        equal_rows = self.contents.get(clip.content_hash, ())
        if equal_rows and rules.duplicates is not DuplicateRule.KEEP:
            return self._place_duplicate(clip, equal_rows[0], rules.duplicates)
        if known is not None:
            self._take_name(clip.clip_id)
        self._add(clip)
        return NEW if known is None else REPLACED

    def unknown(self, clips: Iterable[Clip]) -> list[Clip]:
        """Return the clips that are not there under their ids, with their contents."""
        return [
            clip
            for clip in clips
            if (known := self.ids.get(clip.clip_id)) is None
            or known.content_hash != clip.content_hash
        ]

    def remove(self, clip_ids: Sequence[str]) -> Removal:
        """Delete clips with all their names; by one of its other ids, only that name of a clip.

        Ids that named clips before, and name none any more, are no error.

        Raises:
            ClipNotFound: there never was a clip of an id; nothing is changed.
        """
        unknown = [each for each in clip_ids if each not in self.ids and each not in self.freed]
        if unknown:
            raise ClipNotFound(f"{self._no_clips(unknown)}; nothing was deleted")
        absent_count = sum(each not in self.ids for each in dict.fromkeys(clip_ids))
        clip_count, lost = 0, []
        for clip_id in clip_ids:
            found = self.ids.get(clip_id)
            if found is None:
                continue
            clip = self.clips[found.row]
            if clip.clip_id == clip_id:
                clip_count += 1
                for name in (clip_id, *clip.other_ids):
                    self._free(name, found.row)
                self._retire(found.row)
            else:
                lost.append(found.row)
                self._take_name(clip_id)
        name_count = sum(not self.clips[row].is_retired for row in lost)
        return Removal(clip_count, name_count, absent_count)

    def rename(self, clip_id: str, new_id: str) -> None:
        """Give one of a clip's names another id. Repeating it changes nothing.

        Raises:
            ClipNotFound: there is no clip of that id.
            AlreadyExists: the new id is taken.
        """
        found, taken = self.ids.get(clip_id), self.ids.get(new_id)
        if found is None:
            if taken is not None and self.freed.get(clip_id) == taken.row:
                return
            raise ClipNotFound(f"pools/{self.pool_id} holds no clip {clip_id!r}")
        if clip_id == new_id:
            return
        if taken is not None:
            raise AlreadyExists(
                f"pools/{self.pool_id}/clips/{new_id} is there; choose another id, or delete it"
            )
        names = [new_id if name == clip_id else name for name in _names(self.clips[found.row])]
        self._free(clip_id, found.row)
        self._take_id(new_id, found)
        self._set_names(found.row, names)

    def update(self, updates: Sequence[ClipUpdate]) -> int:
        """Change attributes of clips, all or none; return of how many they are others now.

        Raises:
            ClipNotFound: there is no clip of an id.
            InvalidInput: a clip would have too many attributes.
        """
        unknown = [each.clip_id for each in updates if each.clip_id not in self.ids]
        if unknown:
            raise ClipNotFound(f"{self._no_clips(unknown)}; nothing was changed")
        after: dict[int, Attributes] = {}
        for place, each in enumerate(updates):
            row = self.ids[each.clip_id].row
            before = after.get(row, self.clips[row].attributes)
            keeps_own = each.is_import and each.clip_id != self.clips[row].clip_id
            changed = _merged(before, each.attributes, keeps_own=keeps_own)
            after[row] = {name: changed[name] for name in changed if name not in each.removed}
            try:
                check_size(after[row])
            except MalformedAttribute as error:
                raise InvalidInput.of(f"updates[{place}].attributes", str(error)) from error
        return sum(self._set_attributes(row, attributes) for row, attributes in after.items())

    def take_changes(self, row_count: int) -> list[ChangedClip]:
        """Return the clips that changed since the last time, of those in the first rows."""
        changes = [ChangedClip(row, self.clips[row]) for row in self.changed_rows]
        self.changed_rows.clear()
        return [each for each in changes if each.row < row_count or each.clip.is_retired]

    def _place_duplicate(self, clip: Clip, row: int, rule: DuplicateRule) -> Placement:
        main_id = self.clips[row].clip_id
        if rule is DuplicateRule.REFUSE:
            return Placement(Placing.DUPLICATE, main_id)
        found, ids = FoundClip(row, clip.content_hash), (clip.clip_id, *clip.other_ids)
        return self._add_to(found, clip, ids, Placement(Placing.ALIASED, main_id))

    def _add_to(
        self, found: FoundClip, clip: Clip, ids: Sequence[str], outcome: Placement
    ) -> Placement:
        """Give a clip that is there the names and attributes of one of the same content."""
        row = found.row
        if not (ids or clip.attributes):
            return outcome
        there = self.clips[row]
        if ids and not self._has_room(row, ids):
            return Placement(Placing.TOO_MANY_NAMES, there.clip_id)
        attributes = _merged(
            there.attributes, clip.attributes, keeps_own=clip.clip_id != there.clip_id
        )
        try:
            check_size(attributes)
        except MalformedAttribute:
            return Placement(Placing.TOO_MANY_ATTRIBUTES, there.clip_id)
        if outcome.placing is Placing.ALIASED and clip.clip_id in self.ids:
            self._take_name(clip.clip_id)
        self._name(found, ids)
        return replace(outcome, is_updated=self._set_attributes(row, attributes))

    def _add(self, clip: Clip) -> None:
        found = FoundClip(self.row_count, clip.content_hash)
        self.row_count += 1
        self.clips[found.row] = clip
        self.contents.setdefault(clip.content_hash, []).append(found.row)
        for name in _names(clip):
            self._take_id(name, found)

    def _has_room(self, row: int, new_ids: Sequence[str]) -> bool:
        return len(self.clips[row].other_ids) + len(new_ids) <= MAX_OTHER_IDS

    def _name(self, found: FoundClip, new_ids: Sequence[str]) -> None:
        """Give a clip more names, but for those that it has."""
        more = [each for each in dict.fromkeys(new_ids) if each not in self.ids]
        for name in more:
            self._take_id(name, found)
        if more:
            self._set_names(found.row, [*_names(self.clips[found.row]), *more])

    def _take_name(self, clip_id: str) -> None:
        """Take a name from its clip, which is retired if it has no other."""
        row = self.ids[clip_id].row
        left = [name for name in _names(self.clips[row]) if name != clip_id]
        self._free(clip_id, row)
        if left:
            self._set_names(row, left)
        else:
            self._retire(row)

    def _set_attributes(self, row: int, attributes: Attributes) -> bool:
        """Give a clip attributes; return whether these are others than before."""
        if attributes == self.clips[row].attributes:
            return False
        self._change(row, replace(self.clips[row], attributes=attributes))
        return True

    def _no_clips(self, unknown: Sequence[str]) -> str:
        shown = ", ".join(map(repr, unknown[:_MOST_SHOWN]))
        more = f" and {len(unknown) - _MOST_SHOWN:,} more" if len(unknown) > _MOST_SHOWN else ""
        return f"pools/{self.pool_id} holds no clip {shown}{more}"

    def _set_names(self, row: int, names: Sequence[str]) -> None:
        self._change(row, replace(self.clips[row], clip_id=names[0], other_ids=tuple(names[1:])))

    def _retire(self, row: int) -> None:
        clip = self.clips[row]
        rows = self.contents[clip.content_hash]
        rows.remove(row)
        if not rows:
            del self.contents[clip.content_hash]
        self.retired_count += 1
        self._change(row, replace(clip, is_retired=True))

    def _change(self, row: int, clip: Clip) -> None:
        self.clips[row] = clip
        self.changed_rows[row] = None

    def _take_id(self, name: str, found: FoundClip) -> None:
        self.ids[name] = found
        self.freed.pop(name, None)

    def _free(self, name: str, row: int) -> None:
        self.ids.pop(name, None)
        self.freed[name] = row


def _merged(own: Attributes, given: Attributes, *, keeps_own: bool) -> Attributes:
    return {**given, **own} if keeps_own else {**own, **given}


def _names(clip: Clip) -> tuple[str, ...]:
    return clip.clip_id, *clip.other_ids
