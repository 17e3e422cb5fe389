"""Nearest images: by candidates in bfloat16 they are those of all distances, and a wrong product is found out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize
from torchvision import tv_tensors

from dien_lightning.retrieval import neighbors


@pytest.fixture(autouse=True)
def few_images_suffice(monkeypatch):
    monkeypatch.setattr(neighbors, "_LEAST_IMAGES", 1)
    monkeypatch.setattr(neighbors, "_multiplies_in_bfloat16", lambda: True)


def people(seed: int, number: int, width: int, scatter: float = 0.5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    places = torch.randn(max(1, number // 10), width, generator=generator)
    images = places[torch.randint(0, len(places), (number,), generator=generator)]
    embedding = normalize(images + scatter * torch.randn(number, width, generator=generator), dim=1)
    return embedding - embedding.mean(0)


def check_nearest(embedding: Tensor, k: int) -> None:
    """Itself first, then others, whose distances are the smallest, by pairs in float64."""
    found = neighbors.nearest_images(embedding, k)
    exact = torch.cdist(embedding.double(), embedding.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
    scale = float(embedding.square().sum(1).max())
    assert found.numbers[:, 0].tolist() == list(range(len(embedding)))
    assert (found.numbers.sort(1).values.diff(dim=1) > 0).all()  # nobody twice
    torch.testing.assert_close(exact.gather(1, found.numbers), found.squared.double(), rtol=0, atol=2e-6 * scale)
    expected = exact.fill_diagonal_(-1).topk(k, largest=False).values.clamp(min=0)
    torch.testing.assert_close(found.squared.double(), expected, rtol=0, atol=2e-6 * scale)


@given(
    st.integers(0, 2**31),
    st.integers(64, 300),
    st.sampled_from([1, 3, 16, 200]),
    st.sampled_from([1, 2, 7, 31]),
    st.sampled_from([1e-3, 0.05, 0.5, 5.0]),
    st.sampled_from([1e-3, 1.0, 300.0]),
)
@settings(max_examples=60, deadline=None)
def test_equals_all_distances(seed, number, width, k, scatter, length):
    check_nearest(length * people(seed, number, width, scatter), k)


@pytest.mark.parametrize("length", [0.0, 0.3, 1.0])
def test_copies_and_short_ones(length):
    embedding = people(0, 200, 32)
    embedding[50:150] = embedding[0]  # more than there are candidates
    embedding[150:] *= length
    check_nearest(embedding, 9)


def test_people_who_lie_apart_are_found_without_all_distances(monkeypatch):
    embedding = people(1, 2000, 256)
    expected = neighbors.nearest_and_furthest(embedding, 16)[0].numbers.sort(1).values
    monkeypatch.setattr(neighbors, "nearest_and_furthest", None)
    with torch.autocast("cpu", torch.float16), torch.device("meta"):
        found = neighbors.nearest_images(embedding, 16).numbers.sort(1).values
    assert torch.equal(found, expected)


@pytest.mark.parametrize("wrong", [0.0, 1.3, float("nan")])
def test_a_wrong_product_is_found_out(monkeypatch, wrong):
    embedding, multiply = people(2, 300, 64), torch.mm
    monkeypatch.setattr(torch, "mm", lambda left, right, out: multiply(left, right, out=out).mul_(wrong))
    check_nearest(embedding, 5)


OFF = 2.0**-8  # half of the last digit of a bfloat16 of 1


@pytest.mark.parametrize(("entry", "beside"), [(1 + 0.99 * OFF, 63 / 256), (1 + 1.01 * OFF, 65 / 256)])
def test_no_distance_is_more_wrong_than_said(entry, beside):
    # Both images are rounded the same way in each column, and their product is, by one column more.
    embedding = torch.full((3, 65), entry)
    embedding[:, 64] = torch.tensor([1.0, beside, beside])
    rounded, lengths = embedding.bfloat16(), embedding.square().sum(1)
    products = rounded @ rounded.T
    bound = (
        neighbors.largest_errors(embedding, rounded, lengths)[:, None]
        + neighbors._ROUNDING * 2 * products.float().abs()
    )
    wrong = 2 * (products.double() - embedding.double() @ embedding.double().T).abs()
    assert (wrong < bound).all()
    assert wrong[0, 1] > 0.9 * bound[0, 1]


def test_who_is_taken_for_further_by_as_much_as_can_be_is_found():
    # Six are rounded towards the first image, by each of their columns and by their product; all others, nearer, away.
    towards = torch.arange(60)[:, None] < 7
    embedding = torch.where(towards, 1 + 1.001 * OFF, 1 + 0.999 * OFF) / 8 * torch.ones(66)
    embedding[:, 64:65] = 16 * (OFF + torch.where(towards, 2.0**-12, -(2.0**-12)))
    embedding[:, 65:] = torch.where(towards, 0.5 + OFF, 0.5)  # which the first image has not: what makes them further
    embedding[0, :64], embedding[0, 64], embedding[0, 65] = 1 / 8, 1 / 16, 0
    check_nearest(embedding, 5)


@pytest.mark.parametrize("scale", [1e-18, 1e-19, 5e-20])
def test_short_embeddings_whose_products_vanish(scale):
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    orthogonal = signs
    for _ in range(6):
        orthogonal = torch.kron(orthogonal, signs)  # (128, 128)
    check_nearest(scale * torch.cat([orthogonal, 0.9 * orthogonal, 0.1 * orthogonal[:20]]), 5)


def test_tensors_of_a_subclass_and_laid_out_by_columns():
    embedding = people(5, 200, 24)
    expected = neighbors.nearest_images(embedding, 4).numbers
    by_column = tv_tensors.Mask(embedding.T.contiguous()).T
    assert torch.equal(neighbors.nearest_images(by_column, 4).numbers, expected)


def test_what_is_not_finite_is_named():
    embedding = people(3, 100, 8)
    embedding[4, 2] = torch.nan
    with pytest.raises(ValueError, match="1 gallery embeddings are not finite, the first is number 4"):
        neighbors.nearest_images(embedding, 3)


def test_distances_of_pairs():
    embedding = people(4, 60, 12).double()
    rows, columns = torch.tensor([3, 3, 7, 40]), torch.tensor([3, 59, 0, 8])
    expected = (embedding[rows] - embedding[columns]).square().sum(1)
    found = neighbors.squared_of_pairs(embedding, embedding.square().sum(1), rows, columns)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)
    products = neighbors._gathered_products(embedding[3:5], embedding, torch.tensor([2, 1]), torch.tensor([3, 59, 0]))
    torch.testing.assert_close(products, (embedding[[3, 3, 4]] * embedding[[3, 59, 0]]).sum(1))
