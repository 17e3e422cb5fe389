"""Pseudo-labels: DBSCAN by the book, k-means as PUL has it, and no threads in the outcome."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.cluster import DBSCAN, KMeans
from threadpoolctl import threadpool_info, threadpool_limits

import reference_retrieval
from dien_lightning.clustering import label_by_distance, pseudo_labels, reliable_labels

from .test_jaccard import crowd


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**20),
    number=st.integers(1, 40),
    eps=st.sampled_from([0.3137, 0.5171, 0.7131]),  # no distance lies on them
    min_samples=st.integers(1, 5),
)
def test_as_loops_over_whole_distances_have_it(seed, number, eps, min_samples):
    images = crowd(seed, number, places=8)
    distances = reference_retrieval.jaccard_distances(images.tolist(), 6, 3)
    found = pseudo_labels(images, eps=eps, min_samples=min_samples, k1=6, k2=3)
    assert found.dtype == torch.int64
    assert found.tolist() == reference_retrieval.dbscan(distances, eps, min_samples)


def test_people_apart_are_told_apart_and_a_stranger_is_an_outlier():
    angles = torch.tensor([0, 1, 2, 3, 4, 90, 91, 92, 93, 45], dtype=torch.float64).deg2rad()
    images = torch.stack([angles.cos(), angles.sin()], dim=1)
    assert pseudo_labels(images, k1=4, k2=2).tolist() == [0] * 5 + [1] * 4 + [-1]


def test_an_explicit_zero_is_near_and_what_is_absent_is_far():
    distances = np.array([[0, 0, 0.4, 1], [0, 0, 1, 1], [0.4, 1, 0, 1], [1, 1, 1, 0]])
    rows, columns = (distances < 1).nonzero()
    sparse = csr_array((distances[rows, columns], columns, [0, 3, 5, 7, 8]), shape=(4, 4))
    before = sparse.indices.tolist()
    for eps, expected in ((0.1, [0, 0, -1, -1]), (0.5, [0, 0, 0, -1])):
        assert label_by_distance(sparse, eps, min_samples=2).tolist() == expected
        assert DBSCAN(eps=eps, min_samples=2, metric="precomputed").fit(distances).labels_.tolist() == expected
    assert sparse.indices.tolist() == before  # the caller's rows stay as they are


def test_reliable_labels_by_hand():
    # Two clusters at 0 and 90 degrees and one image between; centers are images, at 1 and 90 degrees.
    angles = torch.tensor([0.0, 1, 3, 89, 90, 91, 40]).deg2rad()
    images = torch.stack([angles.cos(), angles.sin()], dim=1)
    for similarity, kept in ((0.85, 6), (0.7, 7)):  # cos 39 degrees is 0.78
        labels = reliable_labels(images, 2, similarity=similarity)
        assert (labels >= 0).sum() == kept
        assert labels[0] == labels[1] == labels[2] != labels[3] == labels[4] == labels[5]
    assert labels[6] == labels[0]


def test_reliable_labels_follow_from_the_seed():
    images = crowd(5, 80).float()
    first, again = ([reliable_labels(images, 6, seed=seed).tolist() for seed in range(4)] for _ in range(2))
    assert first == again
    assert any(labels != first[0] for labels in first)


def test_k_means_adds_up_in_one_thread_whatever_else_has(monkeypatch):
    fit, threads = KMeans.fit, []

    def watched(*arguments):
        threads.extend(pool["num_threads"] for pool in threadpool_info())
        return fit(*arguments)

    monkeypatch.setattr(KMeans, "fit", watched)
    with threadpool_limits(2):
        reliable_labels(crowd(5, 80).float(), 6)
    assert set(threads) == {1}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: pseudo_labels(x, eps=1), r"eps=1 is out of range; choose a number in \(0, 1\)"),
        (lambda x: pseudo_labels(x, min_samples=0), "min_samples=0 must be a whole number of at least 1"),
        (lambda x: reliable_labels(x, 1), "num_clusters=1 must be a whole number of at least 2; take about as many"),
        (lambda x: reliable_labels(x, 9), "num_clusters=9 is more than there are images, 5; lower it"),
        (lambda x: reliable_labels(x, 2, similarity=2), r"similarity=2 is out of range; choose a number in \[-1, 1\)"),
    ],
)
def test_errors(call, words):
    with pytest.raises(ValueError, match=words):
        call(crowd(0, 5))
