from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import reference
from dien_lightning.retrieval import Protocol, expand_queries, pool_tracklets

from .galleries import make, random_sets


def test_expansion_equals_the_slow_mean():
    sets = random_sets(num_query=5, num_gallery=9, width=3)
    expanded = expand_queries(sets, k=4)
    for embedding, found in zip(sets.query.tolist(), expanded.query.tolist(), strict=True):
        nearest = sorted(sets.gallery.tolist(), key=lambda image, own=embedding: reference.euclidean(own, image))[:4]
        assert found == pytest.approx(reference.mean_vector([embedding, *nearest]), abs=1e-6)
    assert torch.equal(expanded.gallery, sets.gallery)


def test_expansion_takes_what_there_is():
    sets = make(query=[1.0], gallery=[3.0, 5.0], gallery_pids=[1, 1])
    assert expand_queries(sets, k=10).query.tolist() == [[3.0]]
    with pytest.raises(ValueError, match="k=0 must be"):
        expand_queries(sets, k=0)


POOLED = {"query": [[1.0, 0], [2, 2], [3, 4], [8, 8], [6, 6]], "query_pids": [4, 4, 4, -1, -1]}


def test_a_tracklet_is_the_mean_of_its_frames():
    sets = make(**POOLED, query_camids=[0] * 5, gallery=[[0.0, 0], [0, 4], [1, 1]], gallery_pids=[4, 4, 5])
    numbers = {"query_tracklets": [7, 7, -1, -1, 8], "gallery_tracklets": [0, 0, -1]}
    pooled = pool_tracklets(replace(sets, **{name: torch.tensor(value) for name, value in numbers.items()}))
    assert pooled.query.tolist() == [[3, 4], [8, 8], [1.5, 1], [6, 6]]
    assert pooled.query_index.tolist() == [2, 3, 0, 4]  # that of the first frame
    assert pooled.gallery.tolist() == [[1, 1], [0, 2]]


def test_order_does_not_change_the_pools():
    sets = random_sets(num_query=40, num_gallery=1)
    frames = torch.arange(40) % 13  # of each tracklet three or four
    sets = replace(sets, query=sets.query.round(), query_tracklets=frames)  # whole numbers add up alike in any order
    sets = replace(sets, query_pids=frames, query_camids=frames)
    turned = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    one, other = pool_tracklets(sets), pool_tracklets(sets.take(query=turned))
    assert torch.equal(one.query, other.query)


@pytest.mark.parametrize("label", ["pids", "camids", "clothes"])
def test_tracklets_that_are_numbered_anew_are_refused(label):
    frames = {"gallery_tracklets": [0, 0, 3, 3], "gallery_clothes": [0] * 4, "gallery_camids": [1] * 4}
    known = {"gallery_pids": [1] * 4, **frames, f"gallery_{label}": [5, 5, 5, 6]}
    sets = make(query_clothes=[0], query_index=[0], gallery_index=[1, 2, 3, 4], gallery=[0.0] * 4, **known)
    with pytest.raises(ValueError, match=f"gallery_tracklets: frames of tracklet 3 have {label} 5 and 6; number track"):
        pool_tracklets(sets)
    if label == "camids":
        assert pool_tracklets(sets, Protocol(same_camera="keep")).gallery_index.tolist() == [1, 3]
