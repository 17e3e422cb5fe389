"""One training step of network and objective together: what no part's own tests can show."""

from __future__ import annotations

import pytest
import torch

from dien_lightning import Recipe
from library.training.modules import ROWS, build

PIDS = torch.tensor([0, 0, 1, 1])


def parts(attention_loops=0, **changes):
    module = build({"num_classes": 2, **changes}, attention_loops)
    return module.network, module.objective


def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 3, 64, 32, generator=generator), torch.randn(3, 3, 64, 32, generator=generator) + 1


def loss_of(network, objective):
    source, target = batch()
    target = network(target, "target").embedding if objective.needs_target else None
    return objective(network(source, "source").embedding, PIDS, target).total


@pytest.mark.parametrize("row", ROWS)
def test_nothing_is_built_and_unused(row):
    changes, loops = ROWS[row]
    network, objective = parts(loops, **changes)
    loss_of(network, objective).backward()
    named = [*network.named_parameters(), *objective.named_parameters()]
    assert [name for name, parameter in named if parameter.grad is None] == []
    assert all(parameter.grad.isfinite().all() for _, parameter in named)


def test_equations_4_and_5_gradient_by_gradient():
    """dIC + beta1 dCCCDTL - beta2 dDC reaches the embedding; the domain classifier itself gets + beta2 dDC."""
    _, objective = parts(triplet_weight=0.7, domain_weight=0.2, center_weight=3.0, identity_dropout=0)
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(4, 16, generator=generator).requires_grad_()
    target = torch.randn(3, 16, generator=generator).requires_grad_()
    classifier = objective.domain.classifier

    logits = classifier(torch.cat([source, target])).squeeze(1)
    is_target = torch.tensor([0.0] * 4 + [1.0] * 3)
    domain = torch.nn.functional.binary_cross_entropy_with_logits(logits, is_target)  # no reversal here
    identity, triplet = objective.identity(source, PIDS), objective.triplet(source, PIDS, target)
    total = objective(source, PIDS, target).total

    for embedding in (source, target):
        by_parts = 0.7 * torch.autograd.grad(triplet, embedding, retain_graph=True)[0]
        by_parts -= 0.2 * torch.autograd.grad(domain, embedding, retain_graph=True)[0]
        if embedding is source:
            by_parts += torch.autograd.grad(identity, embedding, retain_graph=True)[0]
        torch.testing.assert_close(torch.autograd.grad(total, embedding, retain_graph=True)[0], by_parts)
    for weight in classifier.parameters():
        expected = 0.2 * torch.autograd.grad(domain, weight, retain_graph=True)[0]
        torch.testing.assert_close(torch.autograd.grad(total, weight, retain_graph=True)[0], expected)


def test_bfloat16_autocast_trains():
    network, objective = parts(1, identity_dropout=0)
    plain = loss_of(*parts(1, identity_dropout=0))
    with torch.autocast("cpu", torch.bfloat16):
        total = loss_of(network, objective)
    assert total.dtype == torch.float32
    assert float(total.detach()) == pytest.approx(float(plain.detach()), rel=0.1)
    total.backward()
    assert all(p.grad.isfinite().all() for p in [*network.parameters(), *objective.parameters()])


@pytest.mark.parametrize("loops", [0, 1])
def test_a_few_steps_lower_the_loss_and_move_the_masks(loops):
    network, objective = parts(loops, identity_dropout=0, domain_weight=0)
    rates = {"backbone": 0.01, "embedding": 0.01, "identity": 0.01}
    optimizer = Recipe(learning_rates=rates).optimizer(network, objective)
    losses = []
    for _ in range(6):
        loss = loss_of(network, objective)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
    if loops:
        output = network(batch()[0], "source")
        assert (output.masks[0].spatial != 0.5).any()
        assert (output.masks[0].channel != 0.5).any()
