"""Distances against loops, by hand, and at zero, where roots have no gradient."""

from __future__ import annotations

import torch
from torch.autograd import gradcheck

import reference
from dien_lightning.distance import pairwise_euclidean


def rows(count, width=5, seed=0):
    return torch.randn(count, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_every_pair_as_the_loop_has_it():
    a, b = rows(4), rows(3, seed=1)
    expected = [[reference.euclidean(x, y) for y in b.tolist()] for x in a.tolist()]
    torch.testing.assert_close(pairwise_euclidean(a, b), torch.tensor(expected, dtype=torch.float64))


def test_by_hand():
    assert pairwise_euclidean(torch.tensor([[1.0, 2.0]]), torch.tensor([[4.0, 6.0], [1.0, 2.0]])).tolist() == [[5, 0]]


def test_swapping_the_sets_transposes():
    a, b = rows(4), rows(3, seed=1)
    torch.testing.assert_close(pairwise_euclidean(a, b), pairwise_euclidean(b, a).T)


def test_equal_rows_are_exactly_zero_apart():
    a = torch.nn.functional.normalize(torch.randn(64, 2048, generator=torch.Generator().manual_seed(0)), dim=1)
    assert pairwise_euclidean(a, a).diagonal().abs().max() == 0


def test_gradient():
    a, b = rows(4).requires_grad_(), rows(3, seed=1).requires_grad_()
    assert gradcheck(pairwise_euclidean, (a, b))


def test_gradient_is_zero_between_equal_rows():
    a = torch.ones(2, 3, requires_grad=True)
    pairwise_euclidean(a, torch.ones(2, 3)).sum().backward()
    assert a.grad.tolist() == [[0, 0, 0]] * 2
