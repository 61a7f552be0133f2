"""Resource names: what is built can be read, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.wire.names import (
    ClipName,
    MalformedName,
    check_id,
    check_oracle_id,
    clip_name,
    parse_clip_name,
    parse_pool_name,
    parse_task_name,
    pool_name,
    task_name,
)

IDS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.~-]{0,127}", fullmatch=True)
NO_IDS = [
    "",
    "-a",
    ".a",
    "~a",
    "a b",
    "a/b",
    "a\n",
    "ä",
    "a\0",
    "x" * 129,
    "..",
    "tasks/t",
    "٣",
    "a:b",
]


@given(IDS, IDS)
def test_names_that_are_built_are_read_back(first, second):
    assert parse_pool_name(pool_name(first)) == first
    assert parse_task_name(task_name(first)) == first
    assert parse_clip_name(clip_name(first, second)) == ClipName(first, second)


@pytest.mark.parametrize("id_", ["a", "_", "0", "x" * 128, "a.b~c-d_e", "A1"])
def test_ids_are_ids(id_):
    assert check_id(id_) == id_


@pytest.mark.parametrize("id_", ["ann", "ann@lab.example.org", "ann@lab:3f2a", "a+b@c", "x" * 128])
def test_oracles_may_be_named_as_people_and_their_machines_are(id_):
    assert check_oracle_id(id_) == id_


@pytest.mark.parametrize("text", ["", "@a", ":a", "a b", "a/b", "a\n", "ä", "a\\b", "x" * 129])
def test_what_names_no_oracle_is_refused_and_quoted(text):
    with pytest.raises(MalformedName, match=r"is not an oracle's id: 1 to 128 letters.*'@', ':'"):
        check_oracle_id(text)


@pytest.mark.parametrize("text", NO_IDS)
def test_what_is_no_id_is_refused_and_quoted(text):
    with pytest.raises(MalformedName, match="is not an id: 1 to 128 letters"):
        check_id(text)
    with pytest.raises(MalformedName):
        parse_pool_name(pool_name(text))
    with pytest.raises(MalformedName):
        parse_task_name(task_name(text))
    with pytest.raises(MalformedName):
        parse_clip_name(clip_name("pool", text))
    with pytest.raises(MalformedName):
        parse_clip_name(clip_name(text, "clip"))


@pytest.mark.parametrize(
    "text", ["p", "pools/", "/p", "pools/p/", "/pools/p", "tasks/p", "Pools/p", "pools/p/clips/c"]
)
def test_pool_names_of_another_form_are_refused(text):
    with pytest.raises(MalformedName, match=re.escape("of the form pools/{pool}")):
        parse_pool_name(text)


@pytest.mark.parametrize(
    "text",
    ["c", "pools/p", "pools/p/clips", "pools/p/clips/", "pools//clips/c", "pools/p/clip/c",
     "tasks/p/clips/c", "pools/p/clips/c/d"],
)  # fmt: skip
def test_clip_names_of_another_form_are_refused(text):
    with pytest.raises(MalformedName, match=re.escape("of the form pools/{pool}/clips/{clip}")):
        parse_clip_name(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    for parse, build in ((parse_pool_name, pool_name), (parse_task_name, task_name)):
        try:
            id_ = parse(text)
        except MalformedName:
            continue
        assert build(id_) == text


def test_a_message_quotes_a_long_name_in_part():
    with pytest.raises(MalformedName) as caught:
        parse_pool_name("x" * 100_000)
    assert len(str(caught.value)) < 400
