"""Reciprocal nearest neighbours: by loops, by hand, and what they must not depend on."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_retrieval
from dien_lightning.retrieval import blocks, reciprocal_neighbors


def embeddings(rows, seed, width=4):
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=40)
@given(camids=st.lists(st.integers(0, 2), min_size=2, max_size=12), seed=st.integers(0, 99))
def test_as_the_loop_has_it(camids, seed):
    embedding = embeddings(len(camids), seed)
    expected = reference_retrieval.reciprocal_neighbors(embedding.tolist(), camids)
    assert float(reciprocal_neighbors(embedding, torch.tensor(camids))) == pytest.approx(expected)


def test_by_hand():
    # On a circle at 0, 10, 30 and 90 degrees: 0 and 10 find each other, 30 looks to 10, 90 to 30.
    angles = torch.deg2rad(torch.tensor([0.0, 10, 30, 90]))
    embedding = torch.stack([angles.cos(), angles.sin()], dim=1)
    assert float(reciprocal_neighbors(embedding)) == 0.5
    assert float(reciprocal_neighbors(embedding, torch.tensor([3, 3, 3, 3]))) == 0.5
    # 0 and 10 in one camera, 30 and 90 in the other: 10 and 30 find each other, 0 looks to 30, 90 to 10.
    assert float(reciprocal_neighbors(embedding, torch.tensor([1, 1, 2, 2]))) == 0.5
    # 0 and 30 in one, 10 and 90 in the other: 0 and 10 find each other, 30 looks to 10, 90 to 30.
    assert float(reciprocal_neighbors(embedding, torch.tensor([1, 2, 1, 2]))) == 0.5
    # Every second image in one camera and two people of two images each: all find their partner.
    people = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    assert float(reciprocal_neighbors(people, torch.tensor([1, 2, 1, 2]))) == 1


def test_neither_order_nor_length_nor_the_cameras_names_matter_nor_the_blocks(monkeypatch):
    embedding, camids = embeddings(11, 0), torch.arange(11) % 3
    whole = reciprocal_neighbors(embedding, camids)
    stretched = embedding.flip(0) * torch.arange(1, 12)[:, None]
    assert reciprocal_neighbors(stretched, 7 - camids.flip(0)) == whole
    monkeypatch.setattr(blocks, "_MIN_ROWS", 4)
    monkeypatch.setattr(blocks, "_MAX_ROWS", 4)
    assert reciprocal_neighbors(embedding, camids) == whole


def test_people_who_have_come_together_score_high_scattered_images_less_and_collapsed_ones_low():
    people = embeddings(30, 1, width=32).repeat(2, 1)  # each once in either camera
    camids = torch.arange(60) // 30
    tight, loose = (people + noise * embeddings(60, 2, width=32) for noise in (0.1, 2.0))
    assert reciprocal_neighbors(tight, camids) == 1
    assert reciprocal_neighbors(loose, camids) < 0.8
    assert float(reciprocal_neighbors(torch.ones(50, 3), torch.arange(50) % 2)) <= 0.04


def test_an_image_of_no_direction_is_nobodys_neighbor():
    embedding = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.3, 0.95], [-0.5, 0.9]])  # cosines 0.3 and 0.7 in a row
    assert float(reciprocal_neighbors(embedding)) == 0.5
    with pytest.raises(ValueError, match="embeddings are not finite"):
        reciprocal_neighbors(embedding.log())


def test_one_image_alone_is_told():
    with pytest.raises(ValueError, match=r"needs two images at least, and was given 1\."):
        reciprocal_neighbors(torch.ones(1, 3))
