"""Batch norm per domain and pass: the numbers by loop, and which statistics move."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import reference
from dien_lightning.network import Condition, DomainBatchNorm
from dien_lightning.network.normalization import keep_statistics_apart


def layer(**changes):
    return DomainBatchNorm(3, Condition(), **({"domains": 2, "passes": 2} | changes))


def rows(count=6, seed=0, dtype=torch.float64):
    return torch.randn(count, 3, dtype=dtype, generator=torch.Generator().manual_seed(seed)) * 2 + 1


def slots(module):
    """What has moved: (domain, pass) pairs."""
    moved = (module.running_mean != 0).any(dim=2)
    assert torch.equal(moved, module.batches > 0)
    assert torch.equal(moved, (module.running_var != 1).any(dim=2))
    return {("source", "target")[domain] + str(step) for domain, step in moved.nonzero().tolist()}


# ---- the numbers ----


def test_training_as_the_loop_has_it():
    norm = layer().double()
    nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
    nn.init.normal_(norm.bias, generator=torch.Generator().manual_seed(2))
    expected = reference.batch_normalized(rows().tolist(), norm.weight.tolist(), norm.bias.tolist(), norm.eps)
    torch.testing.assert_close(norm(rows()), torch.tensor(expected, dtype=torch.float64))


def test_running_statistics_by_hand():
    norm = layer(momentum=0.25).double()
    norm(torch.tensor([[1.0, 0, 0], [3.0, 0, 4]], dtype=torch.float64))
    assert norm.running_mean[1, 0].tolist() == [0.5, 0, 0.5]  # a quarter of 2, 0, 2
    assert norm.running_var[1, 0].tolist() == [0.75 + 0.5, 0.75, 0.75 + 2]  # and of the unbiased 2, 0, 8


@pytest.mark.parametrize(("count", "size", "sizes"), [(12, 4, [4, 4, 4]), (11, 4, [6, 5]), (3, 4, [3]), (4, 2, [2, 2])])
def test_parts_of_a_batch_as_the_loop_has_each(count, size, sizes):
    norm, batch = layer(momentum=0.25, size=size).double(), rows(count)
    found, parts = norm(batch), batch.split(sizes)
    ones, zeros = [1.0] * 3, [0.0] * 3
    expected = [torch.tensor(reference.batch_normalized(part.tolist(), ones, zeros, norm.eps)) for part in parts]
    torch.testing.assert_close(found.float(), torch.cat(expected))
    mean = torch.stack([part.mean(0) for part in parts]).mean(0)
    variance = torch.stack([part.var(0) for part in parts]).mean(0)
    torch.testing.assert_close(norm.running_mean[1, 0], 0.25 * mean)
    torch.testing.assert_close(norm.running_var[1, 0], 0.75 + 0.25 * variance)
    assert norm.batches.sum() == 1


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5, 2)])
def test_same_as_torchs_own(shape):
    ours, theirs = layer(), nn.BatchNorm2d(3) if len(shape) == 4 else nn.BatchNorm1d(3)
    for seed in range(3):
        features = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(ours(features), theirs(features))
    assert torch.equal(ours.running_mean[1, 0], theirs.running_mean)
    assert torch.equal(ours.running_var[1, 0], theirs.running_var)
    assert torch.equal(ours.eval()(features), theirs.eval()(features))


# ---- which statistics ----


@pytest.mark.parametrize(
    ("arguments", "domain", "step", "moved"),
    [
        ({}, "source", 0, {"source0"}),
        ({}, "target", 1, {"target1"}),
        ({}, "target", 5, {"target1"}),  # later passes use the last
        ({"first_step": 1}, "source", 1, {"source0"}),
        ({"first_step": 1}, "source", 2, {"source1"}),
        ({"passes": 1}, "target", 3, {"target0"}),
    ],
)
def test_the_slot_that_moves(arguments, domain, step, moved):
    norm = layer(**arguments)
    norm.condition.domain, norm.condition.step = domain, step
    norm(rows(dtype=torch.float32))
    assert slots(norm) == moved


def test_evaluation_uses_its_own_slot_and_moves_none():
    norm = layer().eval()
    norm.running_mean[0, 1] = 5.0
    before = copy.deepcopy(norm.state_dict())
    features = torch.full((2, 3), 5.0)
    norm.condition.domain, norm.condition.step = "source", 1
    assert norm(features).abs().max() < 1e-6
    norm.condition.step = 0
    assert norm(features).min() > 4.9
    assert all(torch.equal(norm.state_dict()[name], value) for name, value in before.items())


def test_forget_and_gathered():
    norm = layer()
    for norm.condition.domain in ("source", "target"):
        for norm.condition.step in (0, 1):
            assert not norm.gathered(norm.condition.domain)
            norm(rows(dtype=torch.float32))
        assert norm.gathered(norm.condition.domain)
    norm.forget("target")
    assert slots(norm) == {"source0", "source1"}
    assert (norm.gathered("source"), norm.gathered("target")) == (True, False)


def test_gradient():
    norm = layer().double()
    assert torch.autograd.gradcheck(norm, (rows(4).requires_grad_(),))


# ---- replacing torch's layers ----


def test_keep_statistics_apart_replaces_every_layer_and_keeps_what_it_knew():
    module = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.BatchNorm1d(3, eps=1e-3, momentum=0.2), nn.ReLU()))
    old = module[1][0]
    nn.init.normal_(old.weight)
    module(rows(dtype=torch.float32))
    condition = Condition()
    keep_statistics_apart(module, condition, domains=2, passes=3, first_step=1, synchronize=False)
    new = module[1][0]
    assert isinstance(new, DomainBatchNorm)
    assert new.condition is condition
    assert (new.eps, new.momentum, new.first_step, new.synchronize) == (1e-3, 0.2, 1, False)
    assert torch.equal(new.weight, old.weight)
    assert torch.equal(new.running_mean, old.running_mean.expand(2, 3, 3))
    assert torch.equal(new.running_var, old.running_var.expand(2, 3, 3))
    assert new.batches.sum() == 0
    new.running_mean[0, 0] = 7.0  # the slots are not views of one another
    assert torch.equal(new.running_mean[1, 2], old.running_mean)


def test_it_shows_what_it_keeps():
    assert repr(layer()) == "DomainBatchNorm(3, domains=2, passes=2, momentum=0.1)"
