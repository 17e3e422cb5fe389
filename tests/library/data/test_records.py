"""Records, relabelling, and the checks that stop a run before it costs anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dien_lightning.data.records import (
    Record,
    Splits,
    ask_with_all_images,
    check_evaluation,
    check_training,
    combine,
    count_identities,
    relabel,
)
from dien_lightning.types import UNLABELED


def splits(query=(), gallery=(), train=()):
    def records(split, pairs):
        return [Record(f"{split}/{i}.jpg", *pair) for i, pair in enumerate(pairs)]

    return Splits("own", Path("crops"), records("train", train), records("query", query), records("gallery", gallery))


def test_relabel_numbers_sorted_identities():
    records = [Record("a", 30, 1), Record("b", 4, 1), Record("c", 30, 2), Record("d", 11, 1)]
    assert [record.pid for record in relabel(records)] == [2, 0, 2, 1]


def test_relabel_does_not_depend_on_the_order_of_files():
    records = [Record(str(pid), pid, 0) for pid in (9, 2, 700, 41)]
    forwards = {record.path: record.pid for record in relabel(records)}
    assert {record.path: record.pid for record in relabel(records[::-1])} == forwards


def test_relabel_refuses_unlabeled_images():
    with pytest.raises(ValueError, match=r"1 of 1 training images have no identity, such as crop\.jpg, and cannot"):
        relabel([Record("crop.jpg", UNLABELED, 0)])


def test_count_identities_leaves_out_the_unlabeled():
    assert count_identities([Record("a", 0, 0), Record("b", UNLABELED, 0), Record("c", 5, 0)]) == 2


def test_has_evaluation_needs_labels_on_both_sides():
    assert splits([(1, 1)], [(1, 2)]).has_evaluation
    assert not splits([(1, 1)], []).has_evaluation
    assert not splits([(UNLABELED, 1)], [(1, 2)]).has_evaluation


def test_combine_leaves_the_unlabeled_unlabeled_and_matches_matched():
    one = splits(query=[(3, 1)], gallery=[(3, 2), (UNLABELED, 1), (0, 1)], train=[(5, 1)])
    joined = combine([one, one])
    assert [(r.pid, r.camid) for r in joined.gallery] == [(3, 2), (-1, 1), (0, 1), (9, 5), (-1, 4), (6, 4)]
    assert [(r.pid, r.camid) for r in joined.query] == [(3, 1), (9, 4)]
    assert check_evaluation(joined) == 2
    assert combine([one]) is one


def test_combine_keeps_sequences_and_clothes_apart():
    one = Splits("own", Path("crops"), [Record("a", 1, 1, 4, 2), Record("b", 2, 1)])
    assert [record[3:] for record in combine([one, one]).train] == [(4, 2), (-1, -1), (9, 5), (-1, -1)]


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


def test_check_training_refuses_a_source_without_labels():
    with pytest.raises(ValueError, match=r"crops \(own\) has no labelled training image"):
        check_training(splits(train=[(UNLABELED, 1)]), num_ids=1, num_instances=1)


def test_check_training_names_found_and_remedy():
    with pytest.raises(ValueError, match=r"num_ids=3 needs at least that many identities; crops has 2 \(3 training"):
        check_training(splits(train=[(1, 1), (1, 2), (2, 1)]), num_ids=3, num_instances=2)


def test_check_evaluation_counts_queries_with_a_match_from_another_camera():
    query = [(1, 1), (2, 1), (3, 1), (UNLABELED, 1)]
    gallery = [(1, 2), (2, 1), (0, 2), (UNLABELED, 2)]
    assert check_evaluation(splits(query, gallery)) == 1


def test_check_evaluation_names_the_one_camera_trap():
    with pytest.raises(ValueError, match=r"own camera \(camera 4: 2 query and 3 gallery images\).*data\.cameras=none"):
        check_evaluation(splits([(1, 4), (2, 4)], [(1, 4), (2, 4), (2, 4)]))


def test_check_evaluation_names_strangers():
    with pytest.raises(ValueError, match=r"none of the 2 query identities is in the gallery"):
        check_evaluation(splits([(1, 1), (2, 2)], [(7, 1), (8, 2)]))


def test_without_cameras_every_shared_identity_is_a_match():
    one_camera = splits([(1, 4), (2, 4)], [(1, 4), (2, 4)])
    assert check_evaluation(one_camera, cameras="none") == 2


def test_without_cameras_no_image_may_find_itself(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    query, gallery = (Record(str(tmp_path / name), 1, 0) for name in ("a.jpg", "b.jpg"))
    with pytest.raises(ValueError, match=r"1 images of own are both query and gallery, such as .*b\.jpg, and with"):
        check_evaluation(Splits("own", Path("own"), [], [query], [gallery]), cameras="none")
