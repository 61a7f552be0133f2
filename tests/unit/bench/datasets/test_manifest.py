import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.bench.datasets.miniatures import ramp, read, write_audio

from aloe.bench.datasets import load
from aloe.bench.datasets.split_notes import about_splits
from aloe.client.types import Split

Put = Callable[..., Path]
Complaint = Callable[[Path], str]

HEADER = "path,label,split\n"
PARTS = "path,label,split,start,end\n"
TWO_CLASSES = "a.wav,yes,train\nb.wav,no,train\nc.wav,yes,test\n"


def test_paths_are_relative_to_the_manifest_and_labels_make_one_task(put: Put) -> None:
    rows = "a.wav,yes,train\nsub/b.wav,no,train\nc.wav,yes,test\n"
    root = put("a.wav", "sub/b.wav", "c.wav", m=HEADER + rows)
    dataset = load(root / "m.csv")
    assert dataset.tasks == {"label": ("no", "yes")}
    assert [r.clip_id for r in dataset.recordings] == ["a.wav", "sub~b.wav", "c.wav"]
    assert dataset.recordings[1].path == root / "sub" / "b.wav"
    assert dataset.recordings[1].labels == {"label": "no"}


@pytest.mark.parametrize("name", ["validation", "valid", "dev", "val", "Dev"])
def test_validation_goes_by_several_names(put: Put, name: str) -> None:
    root = put("a.wav", "b.wav", "c.wav", "d.wav", m=f"{HEADER}{TWO_CLASSES}d.wav,no,{name}\n")
    assert load(root / "m.csv").recordings[3].split is Split.VALIDATION


def test_spreadsheet_files_are_read(put: Put) -> None:
    root = put("a, 1.wav", "b.wav", "c.wav")
    rows = 'path, label ,split,speaker\r\n"a, 1.wav", yes,train,x\r\n\r\nb.wav,no,train,y\r\n'
    (root / "m.csv").write_bytes(("\ufeff" + rows + "c.wav,no,test,y\r\n").encode())
    assert [r.labels["label"] for r in load(root / "m.csv").recordings] == ["yes", "no", "no"]


def test_splits_are_drawn_where_none_are_given(put: Put) -> None:
    names = [f"{i}.wav" for i in range(40)]
    rows = "".join(f"{name},{'odd' if i % 2 else 'even'}\n" for i, name in enumerate(names))
    root = put(*names, m="path,label\n" + rows)
    first, again, other = (
        [r.split for r in load(root / "m.csv", seed=seed).recordings] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert first[::2].count(Split.TEST) == first[1::2].count(Split.TEST) == 4
    assert first[::2].count(Split.VALIDATION) == first[1::2].count(Split.VALIDATION) == 2


def test_splits_are_drawn_by_speaker_where_speakers_are_known(put: Put) -> None:
    names = [f"{i}.wav" for i in range(40)]
    rows = "".join(
        f"{name},{'odd' if i % 2 else 'even'},{f'speaker{i // 4}' if i < 36 else ''}\n"
        for i, name in enumerate(names)
    )
    dataset = load(put(*names, m="path,label,speaker\n" + rows) / "m.csv")
    found = {(r.speaker, r.split) for r in dataset.recordings if r.speaker}
    assert len(found) == 9
    (told,) = about_splits(dataset)
    assert told.endswith(
        "m.csv gives no split: drawn by group, 28 train, 4 validation and 8 test clips, no group in"
        " two of them; 4 clips without a group were drawn one by one"
    )


def test_groups_weigh_more_than_speakers(put: Put) -> None:
    names = [f"{i}.wav" for i in range(6)]
    rows = "".join(f"{name},{'ab'[i % 2]},x,g{i // 2}\n" for i, name in enumerate(names))
    dataset = load(put(*names, m="path,label,speaker,group\n" + rows) / "m.csv")
    assert dataset.groups == ("g0", "g0", "g1", "g1", "g2", "g2")
    assert {r.speaker for r in dataset.recordings} == {"x"}


def test_path_is_relative_to_the_root_if_one_is_given(put: Put) -> None:
    root = put("a.wav", "b.wav", "c.wav", m=HEADER + TWO_CLASSES)
    assert load("m.csv", root).recordings == load(root / "m.csv").recordings


def test_start_and_end_make_clips_of_parts_of_a_file(put: Put) -> None:
    rows = "a.wav,yes,train,,\na.wav,no,train,0.5,\na.wav,no,test,0.5,1.25\na.wav,no,test,,1.25\n"
    root = put(m=PARTS + rows)
    write_audio(root / "a.wav", 2.0)
    whole, rest, part, start = load(root / "m.csv").recordings
    assert whole.clip_id == "a.wav"
    assert len({r.clip_id for r in (whole, rest, part, start)}) == 4
    assert whole.audio() == root / "a.wav"
    assert read(rest) == ramp(2.0)[8_000:].tolist()
    assert read(part) == ramp(2.0)[8_000:20_000].tolist()
    assert read(start) == ramp(2.0)[:20_000].tolist()


def test_seconds_may_have_decimal_commas_where_no_comma_separates_cells(put: Put) -> None:
    rows = "a.wav;yes;train;0,5;1,25\na.wav;no;train;1;\na.wav;no;test;;0,5\n"
    part, _, start = load(put("a.wav", m=PARTS.replace(",", ";") + rows) / "m.csv").recordings
    assert (part.start_s, part.end_s, start.end_s) == (0.5, 1.25, 0.5)


def test_speaker_is_kept(put: Put) -> None:
    root = put("a.wav", "b.wav", "c.wav")
    rows = "a.wav,yes,train,ann\nb.wav,no,train,\nc.wav,no,test,bob\n"
    (root / "m.csv").write_text(f"path,label,split,speaker\n{rows}", encoding="utf-8")
    assert [r.speaker for r in load(root / "m.csv").recordings] == ["ann", "", "bob"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: no column 'path' in ''"),
        ("file;label\na.wav;yes\n", "line 1: no column 'path' in 'file;label'"),
        ("path,label,label\n", "line 1: more than one column 'label'"),
        (HEADER + "a.wav,,train\n", "line 2: the column 'label' is empty"),
        (HEADER + ",yes,train\n", "line 2: the column 'path' is empty"),
        (HEADER + "a.wav,yes,\n", "line 2: the column 'split' is empty"),
        (HEADER + "a.wav,yes,trian\n", "line 2: the split 'trian' is unknown"),
        (HEADER + "a.wav,yes\n", "line 2: 2 cells under 3 columns"),
        (HEADER + 'a.wav,"ye"s,train\n', "line 2: not CSV"),
        (HEADER + TWO_CLASSES + "gone.wav,no,test\n", "line 5: no file"),
        (HEADER + TWO_CLASSES + "./a.wav,no,test\n", "line 5: .*a.wav is listed a second time"),
        ("path,label,start\na.wav,yes,\nb.wav,no,half\n", "line 3: start is 'half'; write seconds"),
        ("path,label,start\na.wav,yes,-1\n", "line 2: start is '-1'"),
        ("path,label,end\na.wav,yes,nan\n", "line 2: end is 'nan'"),
        ("path,label,start,end\na.wav,yes,2,2.0\n", "line 2: end is 2 s, which is not after 2 s"),
        (PARTS + "a.wav,no,test,0.5,1\na.wav,no,test,.50,1.0\n", "line 3: .* a second time"),
        (HEADER, "holds no recordings"),
        (HEADER + "a.wav,yes,train\nb.wav,yes,test\n", "has one class for the task 'label', 'yes'"),
        (HEADER + "a.wav,yes,train\nb.wav,no,test\n", "no train recording of the class 'no'"),
        (HEADER + "a.wav,yes,train\nb.wav,no,train\n", "no test recordings"),
    ],
)
def test_mistake_is_told_in_one_line_with_its_place(
    put: Put, complaint: Complaint, content: str, message: str
) -> None:
    root = put("a.wav", "b.wav", "c.wav", m=content)
    told = complaint(root / "m.csv")
    assert told.startswith(str(root / "m.csv"))
    assert re.search(message, told)


def test_file_in_another_encoding_is_refused(put: Put, complaint: Complaint) -> None:
    root = put()
    (root / "m.csv").write_bytes("path,label\na.wav,Käse\n".encode("latin-1"))
    assert "line 2: this is not UTF-8 text" in complaint(root / "m.csv")


def test_unknown_name_lists_the_known_ones(complaint: Complaint) -> None:
    told = complaint(Path("no-such-set"))
    assert "no data set 'no-such-set'" in told
    assert "fsdd" in told
