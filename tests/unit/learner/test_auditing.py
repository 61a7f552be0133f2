"""Which picks are audits, and which clips."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from aloe.learner.domain.auditing import AUDITS_BEGIN, audit_places, audit_rows, with_audits
from aloe.learner.domain.leases import Pick


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("batch", [1, 7, 500])
def test_the_share_is_kept_whatever_the_batches(share, batch):
    count = sum(
        len(audit_places(share, AUDITS_BEGIN + asked, batch)) for asked in range(0, 3_500, batch)
    )
    assert count == round(3_500 * share)


def test_there_are_none_before_they_begin_and_none_without_a_share():
    assert_array_equal(audit_places(0.5, 0, 60), [51, 53, 55, 57, 59])
    assert not len(audit_places(0.5, 0, AUDITS_BEGIN))
    assert not len(audit_places(0.0, 1_000, 1_000))


def test_audits_are_drawn_from_the_open_clips_by_the_seed():
    is_open = np.arange(1_000) % 3 == 0
    rows = audit_rows(7, is_open, 20)
    assert len(set(rows.tolist())) == 20
    assert is_open[rows].all()
    assert_array_equal(rows[:5], audit_rows(7, is_open, 5))
    assert set(rows.tolist()) != set(audit_rows(8, is_open, 20).tolist())
    assert_array_equal(np.sort(audit_rows(7, is_open, 5_000)), np.flatnonzero(is_open))


def test_clips_that_are_gone_or_new_do_not_change_the_order_of_the_others():
    is_open = np.ones(1_000, np.bool_)
    first, *rest = audit_rows(7, is_open, 20).tolist()
    is_open[first] = False
    assert audit_rows(7, is_open, 19).tolist() == rest
    grown = audit_rows(7, np.r_[is_open, np.ones(500, np.bool_)], 1_499)
    assert_array_equal(grown[grown < 1_000], audit_rows(7, is_open, 999))


def test_every_clip_is_drawn_about_as_often():
    is_open = np.ones(50, np.bool_)
    counts = np.bincount(
        np.concatenate([audit_rows(seed, is_open, 5) for seed in range(2_000)]), minlength=50
    )
    # 200 each; the standard deviation is 13.4.
    assert counts.min() > 140
    assert counts.max() < 260


def picks(*rows: int, is_audit: bool = False) -> list[Pick]:
    return [Pick(row, 0.5, 0, "", is_audit) for row in rows]


def test_audits_go_to_their_places_and_no_clip_is_asked_twice():
    audits = picks(8, 3, is_audit=True)
    merged = with_audits(picks(1, 2, 3, 4), audits, np.array([1, 3]))
    assert [pick.row for pick in merged] == [1, 8, 2, 3, 4]
    assert [pick.is_audit for pick in merged] == [False, True, False, True, False]


def test_where_there_are_too_few_clips_the_audits_come_last():
    merged = with_audits(picks(1, 3), picks(3, is_audit=True), np.array([5, 7]))
    assert [(pick.row, pick.is_audit) for pick in merged] == [(1, False), (3, True)]
