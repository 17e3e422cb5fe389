"""Losses in float32 under autocast and for bfloat16 embeddings, in float64 where the embeddings are."""

from __future__ import annotations

import pytest
import torch

from dien_lightning.losses import (
    CrossDomainTripletLoss,
    DIENObjective,
    DomainAdversarialLoss,
    ExemplarTripletLoss,
    IdentityLoss,
)

PIDS = torch.tensor([0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize("kind", ["identity", "domain", "cross_domain", "exemplar", "objective"])
def test_every_loss_computes_in_float32_or_more(kind):
    torch.manual_seed(0)
    loss = {
        "identity": IdentityLoss(num_classes=3, embedding_dim=64, dropout=0),
        "domain": DomainAdversarialLoss(embedding_dim=64),
        "cross_domain": CrossDomainTripletLoss(),
        "exemplar": ExemplarTripletLoss(),
        "objective": DIENObjective(num_classes=3, embedding_dim=64, identity_dropout=0),
    }[kind]

    def computed(source, target):
        arguments = {"identity": (source, PIDS), "domain": (source, target)}.get(kind, (source, PIDS, target))
        output = loss(*arguments)
        return [output.total, *output.terms.values(), *output.health.values()] if kind == "objective" else [output]

    source, target = torch.randn(6, 64), torch.randn(5, 64)
    plain = computed(source, target)
    widened = computed(source.bfloat16().float(), target.bfloat16().float())
    with torch.autocast("cpu", torch.bfloat16):
        assert computed(source, target) == plain
        assert computed(source.bfloat16(), target.bfloat16()) == widened
    assert {value.dtype for value in plain + widened} == {torch.float32}
    loss.double()
    assert computed(source.double(), target.double())[0].dtype == torch.float64
