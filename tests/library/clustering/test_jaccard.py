"""Jaccard distances: whole matrices and sets, hand-worked values, and the pairs that are not looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_retrieval
from dien_lightning.clustering import jaccard, jaccard_distances


def crowd(seed: int, number: int, places: int = 4, width: int = 4) -> torch.Tensor:
    """Images about a few places, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    centers = torch.randn(places, width, generator=generator, dtype=torch.float64)
    noise = torch.randn(number, width, generator=generator, dtype=torch.float64)
    return centers[torch.randint(0, places, (number,), generator=generator)] + 0.5 * noise


def dense(distances) -> np.ndarray:
    """With 1 for what is absent."""
    entries = distances.tocoo()
    whole = np.ones(distances.shape)
    whole[entries.row, entries.col] = entries.data
    return whole


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**20),
    number=st.integers(1, 30),
    k1=st.integers(1, 12),
    k2=st.integers(1, 6),
    limit=st.sampled_from([0.2, 0.6, 1.0]),
)
def test_as_sets_and_whole_matrices_have_it(seed, number, k1, k2, limit):
    images = crowd(seed, number)
    expected = np.array(reference_retrieval.jaccard_distances(images.tolist(), k1, k2))
    expected[expected > limit] = 1
    found = jaccard_distances(images, k1, k2, limit=limit)
    np.testing.assert_allclose(dense(found), expected, rtol=0, atol=1e-9)
    assert found.nnz == (expected < 1).sum()
    assert (found.diagonal() == 0).all()
    assert (found != found.T).nnz == 0  # to the bit


def test_in_small_pieces_and_the_limits_own_neighbourhoods(monkeypatch):
    images = crowd(1, 150, places=9)
    expected = np.array(reference_retrieval.jaccard_distances(images.tolist(), 30, 6))
    for pieces in (2**16, 7):
        for name in ("_ROWS_AT_ONCE", "_PAIRS_AT_ONCE"):
            monkeypatch.setattr(jaccard, name, pieces)
        np.testing.assert_allclose(dense(jaccard_distances(images)), expected, rtol=0, atol=1e-9)
    single = jaccard_distances(images.float())
    assert single.dtype == np.float32
    np.testing.assert_allclose(dense(single), expected, rtol=0, atol=5e-6)


def test_by_hand():
    # Three images at 0, 60 and 90 degrees, one neighbour each: the first has the second, which has the third.
    angles = torch.tensor([0.0, 60.0, 90.0], dtype=torch.float64).deg2rad()
    images = 5 * torch.stack([angles.cos(), angles.sin()], dim=1)
    second = math.exp(-(2 - 2 * math.cos(math.radians(30))))
    own, other = 1 / (1 + second), second / (1 + second)
    far = dense(jaccard_distances(images, 1, 1))
    assert far[1, 2] == pytest.approx(1 - 2 * other / (2 * own))
    assert far[0].tolist() == [0, 1, 1]  # alone: nobody has the first as a neighbour
    # Averaged over the two nearest: the first over itself and the second.
    shared = own / 2 + other / 2  # the first has half of itself, and half of what the second has; that has its own
    assert dense(jaccard_distances(images, 1, 2))[0, 1] == pytest.approx(1 - shared / (2 - shared))


def test_order_and_length_do_not_matter():
    images, order = crowd(3, 40), torch.randperm(40, generator=torch.Generator().manual_seed(0))
    expected = dense(jaccard_distances(images, 8, 3))[np.ix_(order, order)]
    lengths = torch.linspace(0.1, 9, 40, dtype=torch.float64)[:, None]
    np.testing.assert_allclose(dense(jaccard_distances((images * lengths)[order], 8, 3)), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("images", "options", "words"),
    [
        (crowd(0, 3), {"k1": 0}, "k1=0 must be a whole number of at least 1; it is a number of neighbours"),
        (crowd(0, 3), {"k2": 1.5}, "k2=1.5 must be a whole number of at least 1; it is a number of neighbours"),
        (crowd(0, 3), {"limit": 0}, r"limit=0 is out of range; choose a number in \(0, 1\]"),
        (torch.zeros(3), {}, r"embeddings must be a floating-point tensor .* not torch\.float32 of shape \(3,\)"),
        (torch.zeros(2, 3).numpy(), {}, "embeddings must be a floating-point tensor .* not a ndarray; torch.as_tensor"),
        (torch.zeros(0, 3), {}, "embeddings are of no image; give those of one at least"),
        (torch.tensor([[1.0, math.nan]]), {}, "1 gallery embeddings are not finite, the first is number 0"),
    ],
)
def test_errors(images, options, words):
    with pytest.raises(ValueError, match=words):
        jaccard_distances(images, **options)
