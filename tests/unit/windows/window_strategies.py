"""Windows as hypothesis makes them: names that are hard to write down, times that overlap."""

from hypothesis import strategies as st

from aloe.windows import TableFormat, Window

NIGHT = "night.flac"

_HARD = [
    "dog",
    "a\tb",
    "a\nb",
    "a\rb",
    'say "hi"',
    '"',
    '"",""',
    "a,b;c|d",
    "it's",
    "\\",
    "\\\t1\t2",
    "=1+1",
    "7",
    "0.5\t1.5\tx",
    "null",
    "NA",
    "naïve",
    "鳥",
    "🐦‍⬛",
    "\u2028",
    "\x85x\x1cy",
    "\0",
    "#",
    "[",
    "{",
    "!",
    "<exists>",
    "intervals [1]:",
    'item [2]: class = "IntervalTier"',
    "ooTextFile short",
    "windows",
    "windows 2",
    "\ufeff",
    "Begin Time (s)",
    "\udcff",
]
"""Text that is hard for one format or another."""
HARD_TEXTS = st.sampled_from(_HARD) | st.text(min_size=1, max_size=8)
LABELS = HARD_TEXTS.map(str.strip).filter(bool)
PLAIN_TEXTS = st.text(
    st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8
) | st.sampled_from(["wood pecker", 'the "owl"', "cough, wet", "día", "\\", "!", "windows 2x"])
PATHS = st.sampled_from(["a.wav", "night one.flac", "C:\\audio\\b.wav", 'x/"y", z;.wav'])
SECONDS = st.integers(0, 40).map(lambda quarters: quarters / 4) | st.floats(0, 1e5)


NEVER = st.none()
HERTZ = st.floats(0, 24_000) | st.just(0.0)
PARTS = st.floats(0, 1)
CHANNELS = NEVER | st.integers(1, 9)
HARD_MORE = st.dictionaries(HARD_TEXTS, HARD_TEXTS, max_size=2)


@st.composite
def windows(  # noqa: PLR0917
    draw: st.DrawFn,
    recordings=PATHS,
    labels=LABELS | NEVER,
    channels=CHANNELS,
    hertz=NEVER | HERTZ,
    probabilities=NEVER | PARTS,
    more=HARD_MORE,
) -> Window:
    """Draw a window with nothing wrong in it but, perhaps, its texts."""
    start_s, end_s = draw(st.tuples(SECONDS, SECONDS).filter(lambda times: times[0] != times[1]))
    low_hz, high_hz = draw(hertz), draw(hertz)
    if low_hz is not None and high_hz is not None:
        low_hz, high_hz = sorted((low_hz, high_hz))
    return Window(
        draw(recordings),
        min(start_s, end_s),
        max(start_s, end_s),
        draw(labels),
        draw(channels),
        low_hz,
        high_hz,
        draw(probabilities),
        draw(more),
    )


def held(
    table_format: TableFormat,
    labels: st.SearchStrategy[str],
    more: st.SearchStrategy[dict[str, str]],
) -> st.SearchStrategy[Window]:
    """Make windows of which a format can hold all but, perhaps, their texts."""
    night = st.just(NIGHT)
    nothing: st.SearchStrategy[dict[str, str]] = st.builds(dict)
    match table_format:
        case TableFormat.RAVEN:
            scored = NEVER | PARTS
            return st.one_of(
                windows(night, labels | NEVER, NEVER, NEVER, scored, more),
                windows(night, labels | NEVER, NEVER, HERTZ, scored, more),
            )
        case TableFormat.AUDACITY:
            return windows(night, labels | NEVER, NEVER, HERTZ | NEVER, NEVER, nothing)
        case TableFormat.TEXTGRID:
            return windows(night, labels, NEVER, NEVER, NEVER, nothing)
    return windows(labels=labels | NEVER, more=more)


def tables(window: st.SearchStrategy[Window], min_size: int = 1) -> st.SearchStrategy[list[Window]]:
    """Make tables of windows, none of them twice."""
    return st.lists(window, min_size=min_size, max_size=6, unique_by=lambda window: window.key)
