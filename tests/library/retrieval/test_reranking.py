from __future__ import annotations

import logging
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_retrieval
from dien_lightning.retrieval import (
    EvaluationSets,
    evaluate_sets,
    k_reciprocal,
    k_reciprocal_blocks,
    neighbors,
    rank_gallery,
    reranking,
    reranking_memory,
)

from .galleries import make


def people(seed: int, num_query: int, num_gallery: int, width: int = 4) -> EvaluationSets:
    """Images scattered about a few places, normalised, of five people."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.randn(4, width, generator=generator)
    number = num_query + num_gallery
    images = places[torch.randint(0, 4, (number,), generator=generator)]
    images = images + 0.6 * torch.randn(number, width, generator=generator)
    query, gallery = torch.nn.functional.normalize(images, dim=1).split([num_query, num_gallery])
    labels = {"query_pids": torch.arange(num_query) % 5, "query_camids": torch.zeros(num_query)}
    return make(query=query, **labels, gallery=gallery, gallery_pids=torch.arange(num_gallery) % 5)


def rerank(sets: EvaluationSets, **options: float) -> torch.Tensor:
    return torch.cat([rows.clone() for rows in k_reciprocal_blocks(sets, **options)])


def slowly(sets: EvaluationSets, **options: float) -> torch.Tensor:
    distances = reference_retrieval.k_reciprocal_distances(sets.query.tolist(), sets.gallery.tolist(), **options)
    return torch.tensor(distances, dtype=sets.query.dtype)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**20),
    num_query=st.integers(1, 8),
    num_gallery=st.integers(1, 25),
    k1=st.integers(1, 12),
    k2=st.integers(1, 5),
    weight=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_equals_sets_and_whole_matrices(seed, num_query, num_gallery, k1, k2, weight):
    sets = people(seed, num_query, num_gallery)
    sets = replace(sets, query=sets.query.double(), gallery=sets.gallery.double())
    options = {"k1": k1, "k2": k2, "original_weight": weight}
    torch.testing.assert_close(rerank(sets, **options), slowly(sets, **options), rtol=0, atol=1e-9)


def test_default_neighbourhoods_in_small_pieces(monkeypatch):
    sets = people(1, 20, 80)
    expected = slowly(sets, k1=20, k2=6, original_weight=0.3)
    for pieces in (2**20, 7):
        monkeypatch.setattr(reranking, "_OVERLAPS_AT_ONCE", pieces)
        monkeypatch.setattr(k_reciprocal, "IMAGES_AT_ONCE", pieces)
        torch.testing.assert_close(rerank(sets), expected, rtol=0, atol=2e-6)


def test_by_hand():
    # Two pairs far apart; with k1 = 1 each image is encoded by itself and its partner, nobody shares across.
    sets = make(gallery=[1.0, 10.0, 11.0], gallery_pids=[1, 2, 2])
    jaccard = rerank(sets, k1=1, k2=1, original_weight=0.0)[0]
    # The query's largest squared distance is 121, its partner's 100; weights are divided by their sum.
    near, back = math.exp(-1 / 121), math.exp(-1 / 100)
    smaller = min(1 / (1 + near), back / (back + 1)) + min(near / (1 + near), 1 / (back + 1))
    torch.testing.assert_close(jaccard, torch.tensor([1 - smaller / (2 - smaller), 1.0, 1.0]))


def test_the_original_distance_alone_keeps_the_order():
    sets = people(2, 10, 50)
    found = evaluate_sets(sets, k_reciprocal_blocks(sets, original_weight=1.0))
    assert found.figures() == evaluate_sets(sets).figures()


def test_rare_neighbours_are_moved_forward():
    # A chain: 0 - 1 - 2 are near one another; 3 is as near to 0 as 2 is, but belongs to a crowd of its own.
    crowd = [[0.0, -1.9], [0.1, -2.0], [-0.1, -2.0], [0.0, -2.1]]
    sets = make(query=[[0.0, 0.0]], gallery=[[0.0, 1.0], [0.0, 2.0], *crowd], gallery_pids=[1, 1, 2, 2, 2, 2])
    assert rank_gallery(sets, k_reciprocal_blocks(sets, k1=3, k2=1), k=2).indices.tolist() == [[0, 1]]


def test_the_need_is_said_before_the_work(caplog):
    with caplog.at_level(logging.INFO, logger=reranking.__name__):
        blocks = k_reciprocal_blocks(people(3, 2, 5))
    assert f"Re-ranking 2 x 5 images takes at most {reranking_memory(2, 5, 4) / 1e6:.0f} MB." in caplog.text
    assert len(list(blocks)) == 1
    assert reranking_memory(3_368, 15_913, 2_048) < 1.5e9


def test_encodings_stay_below_their_stated_size():
    sets = people(4, 30, 300)
    embedding = torch.cat([sets.query, sets.gallery])
    found, furthest = neighbors.nearest_and_furthest(embedding, 21)
    encoding = k_reciprocal.encode(embedding, found, furthest, k1=20, k2=1)
    assert int(encoding.offsets.diff().max()) <= 21 * (1 + 10 // 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"k1": 0}, "k1=0 must be a whole number of at least 1"),
        ({"k2": 0}, "k2=0 must be a whole number of at least 1"),
        ({"original_weight": 1.5}, r"original_weight=1\.5 is out of range"),
    ],
)
def test_options_are_checked(options, words):
    with pytest.raises(ValueError, match=words):
        k_reciprocal_blocks(people(0, 2, 3), **options)
