"""The soft neighbourhood density: by loops, by hand, and what it must not depend on."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from dien_lightning.retrieval import density, soft_neighborhood_density


def embeddings(rows, seed, width=4):
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(rows=st.integers(2, 9), seed=st.integers(0, 99), temperature=st.sampled_from([0.05, 0.3, 2.0]))
def test_as_the_loop_has_it(rows, seed, temperature):
    embedding = embeddings(rows, seed)
    expected = reference.soft_neighborhood_density(embedding.tolist(), temperature)
    assert float(soft_neighborhood_density(embedding, temperature)) == pytest.approx(expected, abs=1e-12)


def test_by_hand():
    # Three at right angles: every image has two neighbours, equally near.
    assert float(soft_neighborhood_density(torch.eye(3))) == pytest.approx(math.log(2))
    # Two alike and one opposite, temperature 2: the pair weighs e^(1/2) and e^(-1/2); the third has both equally.
    near = math.exp(0.5) / (math.exp(0.5) + math.exp(-0.5))
    entropy = -near * math.log(near) - (1 - near) * math.log(1 - near)
    found = soft_neighborhood_density(torch.tensor([[1.0], [1.0], [-1.0]]), temperature=2)
    assert float(found) == pytest.approx((2 * entropy + math.log(2)) / 3)


def test_neither_order_nor_length_matters_nor_the_blocks(monkeypatch):
    embedding = embeddings(11, 0)
    whole = soft_neighborhood_density(embedding)
    stretched = embedding.flip(0) * torch.arange(1, 12)[:, None]
    torch.testing.assert_close(soft_neighborhood_density(stretched), whole)
    monkeypatch.setattr(density, "_ROWS", 4)
    torch.testing.assert_close(soft_neighborhood_density(embedding), whole)


def test_people_that_have_come_together_score_higher_than_scattered_images():
    people = embeddings(5, 1, width=32).repeat_interleave(4, dim=0)
    tight, loose = (people + noise * embeddings(20, 2, width=32) for noise in (0.1, 2.0))
    assert soft_neighborhood_density(tight) > soft_neighborhood_density(loose)


def test_collapsed_embeddings_reach_the_maximum():
    assert float(soft_neighborhood_density(torch.ones(6, 3))) == pytest.approx(math.log(5))


def test_what_cannot_be_scored_is_told():
    with pytest.raises(ValueError, match=r"needs two images at least, and was given 1\."):
        soft_neighborhood_density(torch.ones(1, 3))
    with pytest.raises(ValueError, match=r"temperature=0 must be more than 0\."):
        soft_neighborhood_density(torch.eye(3), temperature=0)
