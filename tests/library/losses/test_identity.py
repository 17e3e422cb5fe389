"""The identity classifier: equation 1 by loop and by hand."""

from __future__ import annotations

import math

import pytest
import torch

import reference
from dien_lightning.losses import IdentityLoss


def test_as_the_loop_has_it():
    torch.manual_seed(0)
    loss = IdentityLoss(num_classes=5, embedding_dim=6, dropout=0).double()
    embedding, pids = torch.randn(7, 6, dtype=torch.float64), torch.tensor([0, 4, 2, 2, 1, 3, 0])
    logits = embedding @ loss.classifier.weight.T + loss.classifier.bias
    assert float(loss(embedding, pids).detach()) == pytest.approx(
        reference.cross_entropy(logits.tolist(), pids.tolist())
    )
    order = torch.tensor([6, 2, 4, 0, 1, 5, 3])
    torch.testing.assert_close(loss(embedding[order], pids[order]), loss(embedding, pids))


def test_by_hand():
    loss = IdentityLoss(num_classes=2, embedding_dim=1, dropout=0)
    with torch.no_grad():
        loss.classifier.weight.copy_(torch.tensor([[1.0], [0.0]]))
        loss.classifier.bias.zero_()
    value = loss(torch.tensor([[math.log(3.0)], [0.0]]), torch.tensor([0, 1]))  # probabilities 3/4 and 1/2
    assert float(value.detach()) == pytest.approx((-math.log(0.75) - math.log(0.5)) / 2)


def test_dropout_acts_in_training_alone():
    loss = IdentityLoss(num_classes=3, embedding_dim=64)
    embedding, pids = torch.randn(4, 64), torch.tensor([0, 1, 2, 0])
    assert loss(embedding, pids) != loss(embedding, pids)
    loss.eval()
    assert loss(embedding, pids) == loss(embedding, pids)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="num_classes=1 must be a whole number of at least 2; a classifier needs two"):
        IdentityLoss(num_classes=1)
    with pytest.raises(ValueError, match=r"dropout=1 is out of range; choose a number in \[0, 1\)\."):
        IdentityLoss(num_classes=2, dropout=1)
