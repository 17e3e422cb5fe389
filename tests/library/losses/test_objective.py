"""The sum of the terms, what is absent when a term is off, and the health figures."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from dien_lightning.losses import CrossDomainTripletLoss, DIENObjective
from dien_lightning.losses.objective import embedding_spread
from dien_lightning.losses.triplet import center_distance

OFF = {"triplet_weight": 0, "domain_weight": 0}


def objective(**changes):
    torch.manual_seed(2)
    return DIENObjective(num_classes=4, embedding_dim=8, identity_dropout=0, **changes)


def batch():
    generator = torch.Generator().manual_seed(0)
    source, target = torch.randn(6, 8, generator=generator), torch.randn(5, 8, generator=generator)
    return source, torch.tensor([0, 0, 1, 1, 2, 2]), target


@pytest.mark.parametrize("triplet", ["cross_domain", "exemplar"])
def test_total_is_the_weighted_sum(triplet):
    loss = objective(triplet=triplet, triplet_weight=2.0, domain_weight=0.3, center_weight=5.0)
    source, pids, target = batch()
    output = loss(source, pids, target)
    parts = loss.triplet.terms(source, pids, target)
    identity, domain = loss.identity(source, pids), loss.domain(source, target)
    torch.testing.assert_close(output.total, identity + 2 * parts.total + 0.3 * domain)
    center = {"center": parts.center} if triplet == "cross_domain" else {}
    assert output.terms == {"identity": identity, "triplet": parts.triplet, **center, "domain": domain}
    assert output.total.requires_grad
    assert not any(value.requires_grad for value in [*output.terms.values(), *output.health.values()])


def test_paper_defaults():
    loss = DIENObjective(num_classes=4, embedding_dim=8)
    assert (loss.triplet_weight, loss.domain_weight, loss.triplet.center_weight) == (1.0, 0.1, 1.0)
    assert loss.triplet.margin == 0.3
    assert (loss.identity.dropout.p, loss.domain.reversal, loss.domain.schedule) == (0.5, 1.0, "constant")
    assert isinstance(loss.triplet, CrossDomainTripletLoss)


def test_total_by_hand():
    loss = objective(domain_weight=None, triplet_weight=2, center_weight=3)
    for parameter in loss.parameters():
        torch.nn.init.zeros_(parameter)
    source = torch.tensor([[1.0] + [0.0] * 7, [0.0, 1.0] + [0.0] * 6])
    output = loss(source, torch.tensor([0, 1]), -source)
    # Cross-entropy of four equal logits; nearest negatives are sqrt(2) away; the means are (1/2, 1/2) and its negative.
    assert float(output.total.detach()) == pytest.approx(math.log(4) + 2 * (0 + 3 * math.sqrt(2)))
    assert {name: round(float(term), 4) for name, term in output.terms.items()} == {
        "identity": 1.3863,
        "triplet": 0.0,
        "center": 1.4142,
    }


@pytest.mark.parametrize("nothing", [0, 0.0, None])
def test_a_term_that_is_off_is_absent(nothing):
    source, pids, target = batch()
    base = objective(triplet_weight=nothing, domain_weight=nothing)
    assert (base.triplet, base.domain, base.needs_target) == (None, None, False)
    output = base(source, pids)
    assert list(output.terms) == ["identity"]
    assert list(output.health) == ["embedding_spread"]
    assert output.total == output.terms["identity"]

    no_center = objective(center_weight=nothing)(source, pids, target)
    assert list(no_center.terms) == ["identity", "triplet", "domain"]
    no_domain = objective(domain_weight=nothing)
    assert no_domain.domain is None
    assert no_domain.needs_target
    assert list(no_domain(source, pids, target).terms) == ["identity", "triplet", "center"]
    no_triplet = objective(triplet_weight=nothing)
    assert no_triplet.needs_target
    assert list(no_triplet(source, pids, target).terms) == ["identity", "domain"]
    assert {name.split(".")[0] for name, _ in no_triplet.named_parameters()} == {"identity", "domain"}


def test_every_parameter_gets_a_gradient():
    source, pids, target = batch()
    for changes in ({}, {"triplet_weight": 0}, {"domain_weight": 0}, OFF):
        loss = objective(**changes)
        loss(source, pids, target).total.backward()
        assert all(parameter.grad is not None for parameter in loss.parameters())


@pytest.mark.parametrize("changes", [{}, {"triplet_weight": 0}, {"triplet": "exemplar"}])
def test_health(changes):
    source, pids, target = batch()
    health = objective(**changes)(source, pids, target).health
    assert health["center_distance"] == center_distance(normalize(source, dim=1), normalize(target, dim=1))
    assert health["embedding_spread"] == embedding_spread(source)
    assert health["target_spread"] == embedding_spread(target)
    assert 0 <= health["domain_accuracy"] <= 1
    assert ("active_triplets" in health) == ("triplet_weight" not in changes)


def test_embedding_spread():
    assert embedding_spread(torch.ones(5, 3)) < 1e-6
    assert embedding_spread(torch.eye(4)) == pytest.approx(math.sqrt(3 / 4))  # |e_i - mean|^2 = 9/16 + 3/16
    embedding = batch()[0]
    torch.testing.assert_close(embedding_spread(embedding), embedding_spread(5 * embedding.flip(0)))


def test_progress_moves_the_ramp():
    loss = objective(reversal_schedule="dann", triplet_weight=0)
    source, pids, target = batch()
    for progress, moves in ((0.0, False), (1.0, True)):
        target = target.detach().requires_grad_()
        loss(source, pids, target, progress).total.backward()
        assert bool(target.grad.abs().max() > 0) == moves


# ---- errors ----


@pytest.mark.parametrize("changes", [{}, {"domain_weight": 0}, {"triplet_weight": 0}])
def test_a_missing_target_is_named(changes):
    source, pids, _ = batch()
    with pytest.raises(ValueError, match="the objective needs target embeddings; give them, or switch"):
        objective(**changes)(source, pids)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"triplet_weight": -1}, r"triplet_weight=-1 is out of range; choose a number in \[0, inf\)\."),
        ({"domain_weight": "much"}, r"domain_weight='much' is out of range"),
        ({"center_weight": -2}, r"center_weight=-2 is out of range"),
        ({"triplet": "semi_hard"}, r"triplet='semi_hard' is not allowed; choose one of cross_domain, exemplar\."),
    ],
)
def test_errors_name_the_argument(argument, words):
    with pytest.raises(ValueError, match=words):
        objective(**argument)
