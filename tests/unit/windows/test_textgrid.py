"""TextGrids of Praat, in its own forms, and as another reader and writer has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from praatio import textgrid
from praatio.data_classes.interval_tier import IntervalTier
from praatio.data_classes.textgrid import Textgrid
from tests.unit.windows.window_strategies import NIGHT

from aloe.tables import TableError
from aloe.windows import Source, TableFormat, Window, WindowFaults, read_windows, windows_text

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0 
xmax = 2.3 
tiers? <exists> 
size = 2 
item []: 
    item [1]:
        class = "IntervalTier" 
        name = "words" 
        xmin = 0 
        xmax = 2.3 
        intervals: size = 3 
        intervals [1]:
            xmin = 0 
            xmax = 0.5 
            text = "" 
        intervals [2]:
            xmin = 0.5 
            xmax = 1.25 
            text = "say ""hi"", intervals [3]:
            text = ! no comment" 
        intervals [3]:
            xmin = 1.25 
            xmax = 2.3 
            text = "ok" 
    item [2]:
        class = "TextTier" 
        name = "bell" 
        xmin = 0 
        xmax = 2.3 
        points: size = 1 
        points [1]:
            number = 2 
            mark = "ding" 
"""  # noqa: W291 - as Praat writes it
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
2.3
<exists>
2
"IntervalTier"
"words"
0
2.3
3
0
0.5
""
0.5
1.25
"say ""hi"", intervals [3]:
            text = ! no comment"
1.25
2.3
"ok"
"TextTier"
"bell"
0
2.3
1
2
"ding"
"""
FREE = """"ooTextFile" "TextGrid" 0s 2.3s <exists> 2 tiers
! a comment with "quotes" and 7
"IntervalTier" "words" 0 2.3 3 ! kind, name, start, end, count
+0 0.5 "" 5e-1 1.25 "say ""hi"", intervals [3]:
            text = ! no comment" 1.25 2.3 "ok"
"TextTier" "bell" 0 2.3 1 2 "ding"
"""
"""All that Praat's manual lets stand there."""
WORDS = (
    Window(
        NIGHT,
        0.5,
        1.25,
        'say "hi", intervals [3]:\n            text = ! no comment',
        more={"tier": "words"},
    ),
    Window(NIGHT, 1.25, 2.3, "ok", more={"tier": "words"}),
)
DING = Window(NIGHT, 1.75, 2.25, "ding", more={"tier": "bell"})


@pytest.mark.parametrize("form", [LONG, SHORT, FREE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_every_form_and_encoding_is_read(read, form, encoding):
    table = read(
        form.replace("\n", "\r\n") if encoding == "utf-16" else form,
        encoding=encoding,
        point_length_s=0.5,
    )
    assert table.table_format is TableFormat.TEXTGRID
    words = [w.label.replace("\r\n", "\n") for w in table.windows]
    assert words == [w.label for w in (*WORDS, DING)]
    assert [(w.start_s, w.end_s, w.more) for w in table.windows] == [
        (w.start_s, w.end_s, w.more) for w in (*WORDS, DING)
    ]


def test_tiers_are_chosen_and_points_have_no_length(read, windows_of):
    assert windows_of(LONG, tiers=["words"]) == list(WORDS)
    with pytest.raises(WindowFaults, match=r"line 35: a point at 2\.0 s has no length; say how"):
        read(LONG)
    with pytest.raises(
        TableError, match="table, line 1: there is no tier 'song'; there are words, bell"
    ):
        read(LONG, tiers=["words", "song"])


def test_windows_around_points_end_with_the_textgrid(windows_of):
    assert windows_of(LONG, tiers=["bell"], point_length_s=1.0) == [
        Window(NIGHT, 1.5, 2.3, "ding", more={"tier": "bell"})
    ]


def test_windows_that_overlap_take_tiers_of_their_own(windows_of):
    windows = [
        Window(NIGHT, 0, 2, "a"),
        Window(NIGHT, 1, 3, "b"),
        Window(NIGHT, 2, 4, "c"),
        Window(NIGHT, 1.5, 1.75, "d"),
        Window(NIGHT, 0, 1, "e", more={"tier": "calls"}),
    ]
    text = windows_text(windows, TableFormat.TEXTGRID, lengths={NIGHT: 5.0})
    tiers = {
        tier.name: [tuple(each) for each in tier.entries] for tier in praatio_reads(text).tiers
    }
    assert tiers == {
        "windows": [(0, 2, "a"), (2, 4, "c")],
        "calls": [(0, 1, "e")],
        "windows 2": [(1, 3, "b")],
        "windows 3": [(1.5, 1.75, "d")],
    }
    assert sorted(windows_of(text), key=repr) == sorted(windows, key=repr)


def test_a_tier_is_as_long_as_the_recording_without_a_gap():
    windows = [Window(NIGHT, 0.1, 0.30000000000000004, 'x "y"')]
    assert windows_text(windows, TableFormat.TEXTGRID, lengths={NIGHT: 1.0}) == (
        'File type = "ooTextFile"\n'
        'Object class = "TextGrid"\n'
        "\n"
        "xmin = 0.0\n"
        "xmax = 1.0\n"
        "tiers? <exists>\n"
        "size = 1\n"
        "item []:\n"
        "    item [1]:\n"
        '        class = "IntervalTier"\n'
        '        name = "windows"\n'
        "        xmin = 0.0\n"
        "        xmax = 1.0\n"
        "        intervals: size = 3\n"
        "        intervals [1]:\n"
        "            xmin = 0.0\n"
        "            xmax = 0.1\n"
        '            text = ""\n'
        "        intervals [2]:\n"
        "            xmin = 0.1\n"
        "            xmax = 0.30000000000000004\n"
        '            text = "x ""y"""\n'
        "        intervals [3]:\n"
        "            xmin = 0.30000000000000004\n"
        "            xmax = 1.0\n"
        '            text = ""\n'
    )


@given(
    table=st.lists(
        st.tuples(
            st.integers(1, 40),
            st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5),
        ),
        min_size=1,
        max_size=5,
    ),
    form=st.sampled_from(["short_textgrid", "long_textgrid"]),
)
def test_another_reader_and_writer_has_the_same_windows(tmp_path_factory, table, form):
    ends = [sum(length for length, _ in table[: place + 1]) / 8 for place in range(len(table))]
    entries = [
        (end - length / 8, end, label) for end, (length, label) in zip(ends, table, strict=True)
    ]
    windows = [Window(NIGHT, *entry) for entry in entries]
    read = praatio_reads(windows_text(windows, TableFormat.TEXTGRID))
    assert [tuple(each) for each in read.getTier("windows").entries] == entries
    written = Textgrid(0, ends[-1] + 1)
    written.addTier(IntervalTier("windows", entries, 0, ends[-1] + 1))
    file = tmp_path_factory.mktemp("praatio") / "x.TextGrid"
    written.save(str(file), format=form, includeBlankSpaces=True)
    assert list(read_windows(Source(file, NIGHT)).windows) == windows


def praatio_reads(text: str) -> Textgrid:
    return textgrid._dictionaryToTg(
        textgrid.textgrid_io.parseTextgridStr(text, includeEmptyIntervals=False), "error"
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "xmin = 0 \nxmax = 2.3 \ntiers",
            "xmin = 5 \nxmax = 7 \ntiers",
            "line 4: it begins at 5.0 s, and recordings at 0",
        ),
        ('"TextGrid"', '"PitchTier"', "line 2: it holds a PitchTier, no TextGrid"),
        ('"ooTextFile"', '"ooTextFil"', "line 1: this is no text file of Praat"),
        ("IntervalTier", "Interval", "line 10: 'Interval' is no kind of tier that is known"),
        (
            "intervals: size = 3",
            "intervals: size = 4",
            "line 29: 'TextTier' where a start should be, a number",
        ),
        (
            "intervals: size = 3",
            "intervals: size = 2",
            "line 25: 1.25 where the kind of a tier should be, in quotes",
        ),
        (
            "intervals: size = 3",
            "intervals: size = 2.5",
            "line 14: 2.5 where the number of intervals should be",
        ),
        (
            "size = 2 \nitem",
            "size = 1 \nitem",
            "line 29: 'TextTier' is more than the file promises",
        ),
        (
            "size = 2 \nitem",
            "size = 3 \nitem",
            "line 36: the file ends before the kind of a tier; it was cut off",
        ),
        ("<exists>", "", "line 7: 2.0 where <exists> should be"),
        ('"ok"', '"ok', "line 27: a text in quotes does not end"),
        ('"ok"', '"o"k"', "line 27: a text in quotes does not end"),
        ("xmin = 0.5", "xmin = 1.5", "line 20: end is 1.25 s, which is not after 1.5 s"),
    ],
)
def test_what_is_no_textgrid_is_told_with_its_line(read, old, new, problem):
    assert old in LONG
    with pytest.raises(TableError, match=f"table, {problem}"):
        read(LONG.replace(old, new, 1), TableFormat.TEXTGRID, tiers=["words"])


def test_a_textgrid_that_is_cut_off_is_told_wherever_it_ends(read):
    for end in range(LONG.index("xmin"), LONG.rindex('"'), 3):
        with pytest.raises(TableError, match=r"table, line [0-9]+: "):
            read(LONG[:end], TableFormat.TEXTGRID, tiers=["words"])


def test_a_textgrid_without_tiers_has_no_windows(windows_of):
    assert windows_of(SHORT[: SHORT.index("<exists>")] + "<absent>\n") == []
