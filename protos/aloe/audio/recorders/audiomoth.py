"""The comment of AudioMoth recorders, in the words of firmware 1.0 to 1.11.

https://github.com/OpenAcousticDevices/AudioMoth-Firmware-Basic
"""

import re
from datetime import UTC, datetime, timedelta, timezone

from aloe.audio.recorders.attributes import Attributes

_BEGIN = re.compile(
    r"Recorded at (\d\d):(\d\d):(\d\d)(\.\d{1,6})? (\d\d)/(\d\d)/(\d{4})"
    r"(?: \(UTC(?:([+-])(\d{1,2})(?::(\d\d))?)?\))?"
)
_SERIAL = re.compile(r"\bby AudioMoth ([0-9A-Fa-f]{16})\b")
_DEPLOYMENT = re.compile(r"\bduring deployment ([0-9A-Fa-f]{16})\b")
_GAIN = re.compile(r"\bat ([a-z-]{3,12}) gain\b|\bat gain setting ([0-4])\b")
_GAINS = ("low", "low-medium", "medium", "medium-high", "high")
_BATTERY = re.compile(
    r"\bbattery (?:state )?was (less than |greater than |[<>] )?(\d{1,2}\.\d{1,2})V"
)
_BOUNDS = {"<": "less than", ">": "greater than"}
_TEMPERATURE = re.compile(r"\btemperature was (-?\d{1,3}\.\d)C")


def is_comment(text: str) -> bool:
    """Whether an AudioMoth may have written a comment."""
    return "AudioMoth" in text[:200] or bool(_BEGIN.match(text) and _DEPLOYMENT.search(text[:200]))


def read(text: str, found: Attributes) -> None:
    """Read a comment."""
    found.text("recorder_model", "AudioMoth")
    _read_time(text, found)
    for name, pattern in (("recorder_serial", _SERIAL), ("deployment", _DEPLOYMENT)):
        if match := pattern.search(text):
            found.text(name, match[1])
    if match := _GAIN.search(text):
        found.text("gain", match[1] or _GAINS[int(match[2])])
    if match := _BATTERY.search(text):
        found.number("battery_v", match[2])
        if match[1]:  # The number is a bound.
            words = _BOUNDS.get(match[1].strip(), match[1].strip())
            found.text("battery", f"{words} {match[2]} V")
    if match := _TEMPERATURE.search(text):
        found.number("recorder_temperature_c", match[1])
    if "using external microphone" in text:
        found.text("microphone", "external")


def _read_time(text: str, found: Attributes) -> None:
    match = _BEGIN.match(text)
    if not match:
        found.note(f"AudioMoth: {text[:60]!r} says no time")
        return
    hour, minute, second, fraction, day, month, year, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    microsecond = round(float(fraction or 0) * 1e6)
    try:
        # The first firmware, which names no zone, knew no other than UTC.
        zone = timezone(-offset if sign == "-" else offset) if sign else UTC
        time = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, zone
        )
    except ValueError:
        found.note(f"AudioMoth: {match[0]!r} is no time")
        return
    found.time("recorded_at", time)
