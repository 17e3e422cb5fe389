"""The domain classifier: equation 3 by loop and by hand, and equation 4's sign against gradients taken by parts."""

from __future__ import annotations

import math

import pytest
import torch

import reference
from dien_lightning.losses.domain import DomainAdversarialLoss, dann_ramp


def batch(width=6):
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(5, width, dtype=torch.float64, generator=generator)
    target = torch.randn(3, width, dtype=torch.float64, generator=generator)
    return source.requires_grad_(), target.requires_grad_()


def domain_loss(**changes):
    torch.manual_seed(1)
    return DomainAdversarialLoss(embedding_dim=6, hidden_dim=4, **changes).double()


# ---- the loss ----


def test_as_the_loop_has_it():
    loss, (source, target) = domain_loss(), batch()
    logits = loss.classifier(torch.cat([source, target])).flatten().tolist()
    terms = loss.terms(source, target)
    assert float(terms.total.detach()) == pytest.approx(
        reference.binary_cross_entropy(logits, [False] * 5 + [True] * 3)
    )
    right = sum((logit > 0) == is_target for logit, is_target in zip(logits, [False] * 5 + [True] * 3, strict=True))
    assert float(terms.accuracy) == pytest.approx(right / 8)


def test_by_hand():
    loss = DomainAdversarialLoss(embedding_dim=1, hidden_dim=1)
    with torch.no_grad():
        for parameter, value in zip(loss.parameters(), (1.0, 0.0, 1.0, 0.0), strict=True):
            parameter.fill_(value)
    # Hidden ReLU(x), logit the same: the source at 0 has probability 1/2, the target at log 3 has 3/4.
    terms = loss.terms(torch.tensor([[0.0], [-2.0]]), torch.tensor([[math.log(3)]]))
    assert float(terms.total.detach()) == pytest.approx((2 * math.log(2) - math.log(0.75)) / 3)
    assert float(terms.accuracy) == 1


def test_order_does_not_matter():
    loss, (source, target) = domain_loss(), batch()
    torch.testing.assert_close(loss(source.flip(0), target.flip(0)), loss(source, target))


def test_layers():
    assert [layer.out_features for layer in DomainAdversarialLoss(64).classifier if hasattr(layer, "weight")] == [16, 1]
    loss, (source, target) = domain_loss(dropout=0.5), batch()
    assert loss(source, target) != loss(source, target)
    assert loss.eval()(source, target) == loss(source, target)


# ---- the reversal ----


@pytest.mark.parametrize("coefficient", [1.0, 0.25, 3.0, 0.0])
def test_gradients_are_turned_round_for_the_embedding_alone(coefficient):
    loss, (source, target) = domain_loss(reversal=coefficient), batch()
    parameters = list(loss.parameters())
    reversed_ = torch.autograd.grad(loss(source, target), [source, target, *parameters])
    logits = loss.classifier(torch.cat([source, target])).flatten()
    plain_loss = -(torch.sigmoid(-logits[:5]).log().sum() + torch.sigmoid(logits[5:]).log().sum()) / 8
    plain = torch.autograd.grad(plain_loss, [source, target, *parameters])
    for found, expected in zip(reversed_[:2], plain[:2], strict=True):
        torch.testing.assert_close(found, -coefficient * expected)
    for found, expected in zip(reversed_[2:], plain[2:], strict=True):
        torch.testing.assert_close(found, expected)


def test_dann_ramp():
    assert dann_ramp(0) == 0
    assert dann_ramp(0.1) == pytest.approx((1 - math.exp(-1)) / (1 + math.exp(-1)))
    assert all(dann_ramp(p / 10) < dann_ramp((p + 1) / 10) < 1 for p in range(10))


def test_the_ramp_scales_the_reversal():
    loss, (source, target) = domain_loss(reversal=2.0, schedule="dann"), batch()
    full = torch.autograd.grad(domain_loss()(source, target), source)[0]
    for progress in (0.0, 0.3, 1.0):
        found = torch.autograd.grad(loss(source, target, progress), source)[0]
        torch.testing.assert_close(found, 2 * dann_ramp(progress) * full)
    constant = torch.autograd.grad(domain_loss()(source, target, 0.0), source)[0]
    torch.testing.assert_close(constant, full)


# ---- errors ----


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"dropout": 1.0}, r"dropout=1\.0 is out of range; choose a number in \[0, 1\)\."),
        ({"reversal": -1}, r"reversal=-1 is out of range; choose a number in \[0, inf\)\."),
        (
            {"hidden_dim": 0},
            r"hidden_dim=0 must be a whole number of at least 1; None \(null\) is a quarter of embedding_dim\.",
        ),
        ({"schedule": "cosine"}, r"schedule='cosine' is not allowed; choose one of constant, dann\."),
    ],
)
def test_errors_name_the_argument(argument, words):
    with pytest.raises(ValueError, match=words):
        DomainAdversarialLoss(8, **argument)
