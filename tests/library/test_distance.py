"""Distances at zero, where roots have no gradient; one worked by hand is the docstring's."""

from __future__ import annotations

import torch

from dien_lightning.distance import pairwise_euclidean


def test_equal_rows_are_exactly_zero_apart():
    a = torch.nn.functional.normalize(torch.randn(64, 2048, generator=torch.Generator().manual_seed(0)), dim=1)
    assert pairwise_euclidean(a, a).diagonal().abs().max() == 0


def test_gradient_is_zero_between_equal_rows():
    a = torch.ones(2, 3, requires_grad=True)
    pairwise_euclidean(a, torch.ones(2, 3)).sum().backward()
    assert a.grad.tolist() == [[0, 0, 0]] * 2
