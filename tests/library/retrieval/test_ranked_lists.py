from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import reference_retrieval
from dien_lightning.retrieval import Protocol, choose_images, rank_gallery

from .galleries import as_lists, make, small_sets
from .test_ranking import RULES


@settings(max_examples=200)
@given(sets=small_sets(), k=st.integers(1, 35), rules=RULES)
def test_equals_the_slow_order(sets, k, rules):
    protocol, asked = Protocol(**rules), reference_retrieval.chosen_images(as_lists(sets), rules["search"])
    assume(asked["query"] and asked["gallery"])
    chosen = choose_images(sets, protocol)
    lists = rank_gallery(chosen, k=k, protocol=protocol)
    distances = (chosen.query[:, None] - chosen.gallery).square().sum(-1).sqrt()
    assert torch.equal(rank_gallery(chosen, distances, k=k, protocol=protocol).indices, lists.indices)
    for row in range(len(chosen.query)):
        ranked = reference_retrieval.ranked_gallery(row, asked, **rules)[:k]
        left = len(ranked)
        assert lists.indices[row].tolist() == [number for _, _, number in ranked] + [-1] * (k - left)
        assert lists.is_match[row].tolist() == [match for _, match, _ in ranked] + [False] * (k - left)
        assert lists.distances[row, :left].tolist() == pytest.approx([squared**0.5 for squared, _, _ in ranked])
        assert bool(lists.distances[row, left:].isinf().all())


def test_a_crowd_at_the_last_distance():
    lists = rank_gallery(make(gallery=[1.0] * 50, gallery_pids=[1] * 25 + [2] * 25), k=3)
    assert lists.indices.tolist() == [[25, 26, 27]]
    assert not lists.is_match.any()


@pytest.mark.parametrize(
    ("search", "sizes"),
    [("sysu_all", "1 queries and 2 gallery images of 2"), ("leave_one_out", "5 queries and 5 gallery images of 2")],
)
def test_numbers_are_those_of_the_images_that_were_given(search, sizes):
    sets = make(
        query=[0.0, 9.0], query_pids=[1, 1], query_camids=[1, 3],
        gallery=[9.0, 8.0, 7.0], gallery_pids=[1, 2, 1], gallery_camids=[3, 4, 1],
    )  # fmt: skip
    protocol = Protocol(search=search)
    with pytest.raises(ValueError, match=f"search='{search}' makes {sizes}.*give choose_images"):
        rank_gallery(sets, k=1, protocol=protocol)
    chosen = choose_images(sets, protocol)
    lists = rank_gallery(chosen, k=1, protocol=protocol)
    nearest = chosen.gallery_index[lists.indices[:, 0]].tolist()
    own = dict(zip(chosen.query_index.tolist(), nearest, strict=True))
    assert own[1] == 3  # at 8: those at 9 are itself, or of its own camera


def test_no_list_without_a_length():
    with pytest.raises(ValueError, match="k=0 must be a whole number of at least 1"):
        rank_gallery(make(gallery=[1.0], gallery_pids=[1]), k=0)
