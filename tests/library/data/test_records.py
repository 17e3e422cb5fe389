"""Records, relabelling, and the checks that stop a run before it costs anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dien_lightning.data.records import (
    Record,
    Splits,
    ask_with_all_images,
    check_training,
    combine,
    relabel,
)
from dien_lightning.types import UNLABELED


def splits(query=(), gallery=(), train=()):
    def records(split, pairs):
        return [Record(f"{split}/{i}.jpg", *pair) for i, pair in enumerate(pairs)]

    return Splits("own", Path("crops"), records("train", train), records("query", query), records("gallery", gallery))


def elsewhere(part):
    """The same in another folder."""
    moved = {n: [r._replace(path=f"b/{r.path}") for r in getattr(part, n)] for n in ("train", "query", "gallery")}
    return replace(part, root=Path("b"), **moved)


def test_relabel_does_not_depend_on_the_order_of_files():
    records = [Record(str(pid), pid, 0) for pid in (9, 2, 700, 41)]
    forwards = {record.path: record.pid for record in relabel(records)}
    assert {record.path: record.pid for record in relabel(records[::-1])} == forwards


def test_relabel_refuses_unlabeled_images():
    with pytest.raises(ValueError, match=r"1 of 1 training images have no identity, such as crop\.jpg, and cannot"):
        relabel([Record("crop.jpg", UNLABELED, 0)])


def test_evaluation_needs_labels_on_both_sides_and_leave_one_out_on_one():
    assert splits([(1, 1)], [(1, 2)]).is_evaluated()
    assert not splits([(1, 1)], []).is_evaluated()
    assert not splits([(UNLABELED, 1)], [(1, 2)]).is_evaluated()
    assert splits([], [(1, 2)]).is_evaluated("leave_one_out")
    assert not splits([], [(UNLABELED, 2)]).is_evaluated("leave_one_out")


def test_combine_leaves_the_unlabeled_unlabeled_and_matches_matched():
    one = splits(query=[(3, 1)], gallery=[(3, 2), (UNLABELED, 1), (0, 1)], train=[(5, 1)])
    joined = combine([one, elsewhere(one)])
    assert [(r.pid, r.camid) for r in joined.gallery] == [(3, 2), (-1, 1), (0, 1), (9, 5), (-1, 4), (6, 4)]
    assert [(r.pid, r.camid) for r in joined.query] == [(3, 1), (9, 4)]
    assert combine([one]) is one


def test_combine_keeps_sequences_and_clothes_apart():
    one = Splits("own", Path("crops"), [Record("a", 1, 1, 4, 2), Record("b", 2, 1)])
    assert [record[3:] for record in combine([one, elsewhere(one)]).train] == [(4, 2), (-1, -1), (9, 5), (-1, -1)]


def test_a_query_is_asked_with_all_images_of_its_person_in_its_camera():
    own = splits(query=[(1, 1), (1, 2), (2, 1), (UNLABELED, 1)])
    further = [Record("x", 1, 1), Record("y", 1, 1)]
    asked = ask_with_all_images(replace(own, further=further)).query
    assert [record[:4] for record in asked] == [
        ("x", 1, 1, 0), ("y", 1, 1, 0), ("query/1.jpg", 1, 2, 1), ("query/2.jpg", 2, 1, 2),
    ]  # fmt: skip
    with pytest.raises(
        ValueError, match=r"multi_query=true changes nothing: no person has two queries in one camera of"
    ):
        ask_with_all_images(own)


def test_a_person_in_other_clothes_is_another_query():
    dressed = [Record(str(number), 1, 1, clothes=clothes) for number, clothes in enumerate((4, 5, 4))]
    asked = ask_with_all_images(replace(splits(), query=dressed)).query
    assert [(record.path, record.tracklet) for record in asked] == [("0", 0), ("2", 0), ("1", 1)]


def test_check_training_refuses_a_source_without_labels():
    with pytest.raises(ValueError, match=r"crops \(own\) has no labelled training image"):
        check_training(splits(train=[(UNLABELED, 1)]), num_ids=1)


def test_check_training_names_found_and_remedy():
    with pytest.raises(ValueError, match=r"num_ids=3 needs at least that many identities; crops has 2 \(3 training"):
        check_training(splits(train=[(1, 1), (1, 2), (2, 1)]), num_ids=3)
