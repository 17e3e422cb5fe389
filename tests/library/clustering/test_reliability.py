from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import reference_retrieval
from dien_lightning.clustering import overlap_with, reliable_clusters

LABELS = st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3)), min_size=1, max_size=12)


@given(LABELS)
def test_overlap_as_sets_have_it(pairs):
    one, other = (torch.tensor(each) for each in zip(*pairs, strict=True))
    expected = reference_retrieval.same_partition(one.tolist(), other.tolist())
    assert overlap_with(one, other).tolist() == pytest.approx(expected)
    assert overlap_with(other, one).tolist() == pytest.approx(expected)


def test_a_cluster_that_grows_too_far_goes_and_an_image_that_falls_off():
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, -1])
    looser = torch.tensor([0, 0, 0, 1, 1, 1, 1, 1, -1])  # 1 (2 of 5) and 2 (3 of 5) become one
    tighter = torch.tensor([0, 0, -1, 1, 1, 2, 2, 2, -1])  # one image of 0 falls off
    kept = reliable_clusters(labels, looser, tighter, threshold=0.5)
    assert kept.labels.tolist() == [0, 0, -1, -1, -1, 2, 2, 2, -1]
    assert kept.threshold == 0.5


def test_the_first_threshold_is_the_one_that_nine_in_ten_clusters_reach():
    labels = torch.arange(10).repeat_interleave(2)
    looser = labels.where(labels < 8, 8)  # 8 and 9 become one: 2 of 4; the others stay, 1
    assert reliable_clusters(labels, looser, labels).threshold == 0.5
    assert reliable_clusters(labels, labels.where(labels < 9, 9), labels).threshold == 1
    assert (reliable_clusters(labels, labels, labels).labels == labels).all()


def test_without_clusters_nothing_is_kept():
    nobody = torch.full((4,), -1)
    kept = reliable_clusters(nobody, nobody, nobody)
    assert kept.labels.tolist() == [-1] * 4
    assert kept.threshold == float("inf")
