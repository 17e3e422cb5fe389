"""`EvaluationSets`: what it takes, what it refuses, and how a part of it is taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dien_lightning.retrieval import EvaluationSets, evaluate_retrieval, evaluate_sets

from .galleries import as_lists, make, random_sets


def test_labels_of_any_kind():
    sets = random_sets()
    query_pids, query_camids = np.asarray(sets.query_pids, dtype=np.int32), sets.query_camids.tolist()
    gallery_pids, gallery_camids = sets.gallery_pids.double(), sets.gallery_camids.to(torch.uint8)
    result = evaluate_retrieval(
        query=sets.query,
        query_pids=query_pids,
        query_camids=query_camids,
        gallery=sets.gallery,
        gallery_pids=gallery_pids,
        gallery_camids=gallery_camids,
    )
    assert result.figures() == evaluate_sets(sets).figures()


def test_embeddings_may_need_gradients_and_are_left_alone():
    query = torch.ones(1, 2, requires_grad=True)
    evaluate_sets(make(query=query, gallery=torch.ones(1, 2), gallery_pids=[1]))
    assert query.tolist() == [[1.0, 1.0]]


def test_images_are_numbered_through_query_and_gallery_unless_told():
    sets = make(gallery=[1.0, 2.0, 3.0], gallery_pids=[5, 6, 7])
    assert (sets.query_index.tolist(), sets.gallery_index.tolist()) == ([0], [1, 2, 3])
    part = sets.take(gallery=torch.tensor([True, False, True]))
    assert (part.gallery_index.tolist(), part.gallery_pids.tolist(), part.gallery.tolist()) == (
        [1, 3],
        [5, 7],
        [[1.0], [3.0]],
    )
    assert random_sets().take(query=[3, 2]).query_index.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"query": torch.zeros(20, 15)}, "query embeddings are 15 wide and gallery embeddings 16"),
        ({"query": torch.zeros(20)}, "query must be a floating-point tensor of shape"),
        ({"query": torch.zeros(20, 16, dtype=torch.int64)}, "query must be a floating-point tensor of shape"),
        ({"query": torch.zeros(19, 16)}, r"query_pids has shape \(20,\), and there are 19 embeddings"),
        ({"gallery": torch.zeros(200, 16, device="meta")}, "query is on cpu and gallery on meta"),
        (
            {"gallery_camids": [[1], [2]]},
            r"gallery_camids has shape \(2, 1\), and there are 200 embeddings",
        ),
        ({"query": torch.zeros(0, 16), "query_pids": [], "query_camids": []}, "The query set is empty"),
        ({"query_pids": [1.2] * 20}, "query_pids holds numbers that are not whole"),
        ({"gallery_pids": [float("nan")] * 200}, "gallery_pids holds numbers that are not whole"),
        ({"gallery_pids": [float("inf")] * 200}, "gallery_pids holds numbers that are not whole"),
        ({"gallery_pids": [1e30] * 200}, "gallery_pids holds numbers that are not whole"),
        ({"query_pids": np.full(20, 2**64 - 1, np.uint64)}, r"query_pids holds numbers of 2\*\*63 or more"),
        ({"query_pids": [2**63] * 20}, r"query_pids holds numbers of 2\*\*63 or more"),
        ({"query_camids": ["left"] * 20}, "query_camids cannot be read as numbers"),
        ({"query_index": None}, "One of query_index and gallery_index is given; give both or neither"),
    ],
)
def test_what_cannot_be_ranked_is_named(change, words):
    sets = random_sets()
    given = {"query": sets.query, "gallery": sets.gallery, **{k: v for k, v in as_lists(sets).items() if "_" in k}}
    with pytest.raises(ValueError, match=words):
        EvaluationSets(**(given | change))


def test_what_others_order_otherwise_is_given_by_name():
    sets = random_sets(num_query=4, num_gallery=4)
    theirs = (sets.query, sets.query_pids, sets.gallery_pids, sets.query_camids, sets.gallery_camids)
    with pytest.raises(TypeError, match="positional argument"):
        evaluate_retrieval(*theirs, sets.gallery)
    with pytest.raises(TypeError, match="positional argument"):
        EvaluationSets(*theirs, sets.gallery)
