"""What is wrong with a recording, gathered while it is decoded."""

from dataclasses import dataclass, field

_SHOWN = 3


@dataclass(slots=True)
class Findings:
    """The places at which a recording is damaged, and where it ends too early."""

    cut_off: str = ""
    """Empty if it holds what it promises."""
    damages: list[str] = field(default_factory=list)
    """The first few places."""
    damage_count: int = 0

    def damaged(self, what: str, at_s: float) -> None:
        """Note that something could not be decoded."""
        self.damage_count += 1
        if self.damage_count <= _SHOWN:
            self.damages.append(f"{what} at {at_s:,.3f} s")

    @property
    def is_any(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.cut_off) or self.damage_count > 0

    def add(self, other: "Findings", offset_s: float) -> None:
        """Take over what was found in a later part of the recording, which begins at a time."""
        if other.cut_off and not self.cut_off:
            after = f", in the part that begins at {offset_s:,.3f} s" if offset_s else ""
            self.cut_off = other.cut_off + after
        room = _SHOWN - len(self.damages)
        after = f" of the part that begins at {offset_s:,.3f} s" if offset_s else ""
        self.damages += [f"{each}{after}" for each in other.damages[: max(0, room)]]
        self.damage_count += other.damage_count

    @property
    def damage(self) -> str:
        """All damage in a line; empty if there is none."""
        more = self.damage_count - len(self.damages)
        return ", ".join(self.damages) + (f" and {more:,} more places" if more > 0 else "")
