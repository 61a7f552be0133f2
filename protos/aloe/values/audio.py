"""How a recording becomes what the encoder hears, and what was found in it."""

from dataclasses import dataclass
from enum import Enum


class ChannelRule(Enum):
    """How several channels become one."""

    MIX = "mix"
    """Their mean, even where they cancel each other out."""
    LOUDEST = "loudest"
    """The channel of the highest energy."""
    NUMBERED = "numbered"
    """The channel of a number, from 1; the left one is 1 and the right one 2."""


_NUMBERS = {"left": 1, "right": 2}
CHANNEL_WORDS = "mix, left, right, loudest or a number from 1"


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a recording is to be read."""

    channel_rule: ChannelRule | None = None
    """None: their mean, and recordings are refused whose channels cancel each other out."""
    channel: int = 0
    """NUMBERED: which one, from 1."""
    accept_damaged: bool = False
    """Take what can be decoded of a recording that is cut off or damaged, with a warning."""

    @property
    def channel_text(self) -> str:
        """The channels as `parse_channel` reads them; empty for the default."""
        if self.channel_rule is ChannelRule.NUMBERED:
            return str(self.channel)
        return self.channel_rule.value if self.channel_rule else ""


DEFAULT_DECODING = Decoding()


def parse_channel(text: str) -> tuple[ChannelRule | None, int]:
    """Read "mix", "left", "right", "loudest" or a number from 1; empty is the default.

    Raises:
        ValueError: it is none of these.
    """
    word = text.strip().lower()
    number = _NUMBERS.get(word) or (int(word) if word.isascii() and word.isdecimal() else 0)
    if number:
        return ChannelRule.NUMBERED, number
    words = {rule.value: rule for rule in (ChannelRule.MIX, ChannelRule.LOUDEST)}
    if word and word not in words:
        raise ValueError(f"{text!r} is no channel; give {CHANNEL_WORDS}")
    return words.get(word), 0


class AudioProblem(Enum):
    """What may be wrong with a recording that can be decoded all the same."""

    CUT_OFF = "cut_off"
    """It ends before the length that it promises."""
    DAMAGED = "damaged"
    """Some of its bytes cannot be decoded."""
    LOST_IN_MIX = "lost_in_mix"
    """Its channels cancel each other out when they are mixed."""
    PARTLY_HEARD = "partly_heard"
    """The encoder hears only a part of it, such as the lower frequencies."""

    @property
    def words(self) -> str:
        """The problem in words."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class AudioWarning:
    """Something that was found in a recording that was taken."""

    problem: AudioProblem
    message: str
    """What, where and how much."""


@dataclass(frozen=True, slots=True)
class AudioReport:
    """What was found in decoding a recording."""

    sample_rate_hz: int = 0
    """Its own; 0 where it is not known."""
    channel_count: int = 0
    """Its own; 0 where it is not known."""
    channel: int = 0
    """The channel that is heard, from 1; 0 for the mean of all."""
    warnings: tuple[AudioWarning, ...] = ()


NOTHING_FOUND = AudioReport()
