from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.ranked_lists import rank_distances, rank_gallery

from .galleries import images


@settings(max_examples=200, deadline=None)
@given(
    sets=images(),
    k=st.integers(1, 35),
    junk=st.sampled_from(["drop", "distractor"]),
    same_camera=st.sampled_from(["drop", "keep"]),
)
def test_equals_the_slow_order(sets, k, junk, same_camera):
    lists = rank_gallery(*sets, k=k, protocol=Protocol(junk=junk, same_camera=same_camera))
    distances = (sets.query[:, None] - sets.gallery).square().sum(-1).sqrt()
    labels = (sets.query_pids, sets.query_camids, sets.gallery_pids, sets.gallery_camids)
    given_lists = rank_distances(distances, *labels, k=k, protocol=Protocol(junk=junk, same_camera=same_camera))
    assert torch.equal(lists.indices, given_lists.indices)
    for row, (embedding, pid, camid) in enumerate(
        zip(sets.query.tolist(), sets.query_pids, sets.query_camids, strict=True)
    ):
        ranked = reference.ranked_gallery(
            embedding,
            pid,
            camid,
            sets.gallery.tolist(),
            sets.gallery_pids,
            sets.gallery_camids,
            junk=junk,
            same_camera=same_camera,
        )[:k]
        left = len(ranked)
        assert lists.indices[row].tolist() == [number for _, _, number in ranked] + [-1] * (k - left)
        assert lists.is_match[row].tolist() == [match for _, match, _ in ranked] + [False] * (k - left)
        assert lists.distances[row, :left].tolist() == pytest.approx([squared**0.5 for squared, _, _ in ranked])
        assert bool(lists.distances[row, left:].isinf().all())


def test_a_crowd_at_the_last_distance():
    gallery = torch.ones(50, 1)
    lists = rank_gallery(torch.zeros(1, 1), [1], [0], gallery, [1] * 25 + [2] * 25, [1] * 50, k=3)
    assert lists.indices.tolist() == [[25, 26, 27]]
    assert not lists.is_match.any()


def test_no_list_without_a_length():
    with pytest.raises(ValueError, match="k=0 must be 1 or more"):
        rank_gallery(torch.zeros(1, 1), [1], [0], torch.ones(2, 1), [1, 2], [1, 1], k=0)
