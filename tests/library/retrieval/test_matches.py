from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dien_lightning.retrieval import EvaluationSets, Protocol
from dien_lightning.retrieval.matches import Matching

from .galleries import small_sets


def numbered(query_pids, query_camids, gallery_pids, gallery_camids) -> EvaluationSets:
    embeddings = {"query": torch.zeros(len(query_pids), 0), "gallery": torch.zeros(len(gallery_pids), 0)}
    return EvaluationSets(
        query_pids=query_pids,
        query_camids=query_camids,
        gallery_pids=gallery_pids,
        gallery_camids=gallery_camids,
        **embeddings,
    )


@settings(max_examples=100, deadline=None)
@given(sets=small_sets(), same_camera=st.sampled_from(["drop", "keep"]))
def test_pairs_and_counts_equal_comparing_everybody(sets, same_camera):
    matching = Matching(sets, Protocol(same_camera=same_camera))
    pairs = matching.pairs(0, len(sets.query))
    found = {(row, column): match for row, column, match in zip(*(x.tolist() for x in pairs[:3]), strict=True)}
    expected = {}
    for row, (pid, camid) in enumerate(zip(sets.query_pids, sets.query_camids, strict=True)):
        for column, (other, other_camid) in enumerate(zip(sets.gallery_pids, sets.gallery_camids, strict=True)):
            if pid == other != -1:
                expected[row, column] = same_camera == "keep" or bool(camid != other_camid)
    assert found == expected
    matches = [sum(match for (row, _), match in expected.items() if row == query) for query in range(len(sets.query))]
    assert pairs.num_matches.tolist() == matches
    if any(matches):
        counts = matching.count()
        assert counts.num_matches.tolist() == matches
        assert counts.num_same_camera == sum(not match for match in expected.values())
        assert counts.num_junk == sets.gallery_pids.tolist().count(-1)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (
            ([1, 2], [4, 4], [1, 2, 2], [4, 4, 4]),
            r"No query has a match in the gallery: there is only one camera, and images of the query's identity in the "
            r"query's camera are not counted \(camera 4: 2 query, 3 gallery images\)\. Check the camera numbers, or "
            r"evaluate without the same-camera rule: data\.cameras=none\.",
        ),
        (
            ([1, 2], [0, 1], [1, 2], [0, 1]),
            r"each identity's images come from one camera only, .* "
            r"\(camera 0: 1 query, 1 gallery images; camera 1: 1 query, 1 gallery images\)",
        ),
        (
            ([1, 2], [0, 1], [3, 4, 5], [0, 1, 1]),
            r"none of the 2 query identities is among the 3 gallery identities \(strangers\)",
        ),
        (([1], [0], [-1, -1], [0, 1]), r"all 2 gallery images are junk \(pid -1\)"),
        (([-1], [0], [-1, 1], [0, 1]), r"all 1 query images have no identity \(pid -1\)"),
        ((range(20), range(20), [30], [0]), "camera 11: 1 query, 0 gallery images; and 8 more cameras"),
    ],
)
def test_no_match_says_which_way(labels, words):
    with pytest.raises(ValueError, match=words):
        Matching(numbered(*labels), Protocol()).count()


def test_large_and_negative_numbers_do_not_collide():
    pids, camids = [10**9, 10**9 + 1], [-5, 10**6]
    counts = Matching(numbered(pids, camids, pids, camids[::-1]), Protocol()).count()
    assert counts.num_matches.tolist() == [1, 1]


def test_queries_are_counted_in_pieces(monkeypatch):
    monkeypatch.setattr("dien_lightning.retrieval.matches._QUERIES_AT_ONCE", 2)
    counts = Matching(numbered([1, 2, 2], [0, 0, 1], [1, 2, 2], [1, 1, 0]), Protocol()).count()
    assert (counts.num_matches.tolist(), counts.num_same_camera) == ([1, 1, 1], 2)
