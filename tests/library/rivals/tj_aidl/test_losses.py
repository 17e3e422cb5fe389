"""TJ-AIDL's losses: against loops, by hand, and who gets which gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import mse_loss

import reference_tj_aidl as reference
from dien_lightning.rivals.tj_aidl.losses import (
    IdentityInferredAttributes,
    TJAIDLObjective,
    attribute_loss,
    transfer_loss,
)


def rows(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def objective() -> TJAIDLObjective:
    torch.manual_seed(0)
    return TJAIDLObjective(5, 3, 8, hidden_dims=[6], reconstruction_weight=2.0, transfer_weight=7.0, identity_dropout=0)


@pytest.fixture
def features() -> tuple[torch.Tensor, torch.Tensor]:
    return rows(4, 8).requires_grad_(), rows(4, 8, seed=1).requires_grad_()


PIDS, ATTRIBUTES = torch.tensor([0, 1, 4, 1]), torch.tensor([[0.0, 1, 1], [1, 1, 0], [0, 0, 0], [1, 1, 0]])


def test_formulas_are_those_of_slow_loops():
    logits, soft = rows(4, 3), rows(4, 3, seed=1).sigmoid()
    assert attribute_loss(logits, soft).item() == pytest.approx(
        reference.attribute_loss(logits.tolist(), soft.tolist())
    )
    one, other = rows(4, 5), rows(4, 5, seed=1)
    expected = reference.mean_squared(one.tolist(), other.tolist())
    assert transfer_loss(one, other).item() == pytest.approx(5 * expected)


def test_the_attribute_loss_by_hand():
    # logit ln 3 is a probability of 3/4: -ln(3/4) where the attribute is there, -ln(1/4) where it is not.
    logits = torch.full((1, 2), math.log(3))
    assert attribute_loss(logits, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(math.log(4 / 3) + math.log(4))


def test_the_whole_is_the_weighted_sum_of_its_terms(objective, features):
    for output in (objective(*features, PIDS, ATTRIBUTES), objective.adapt(*features)):
        weights = {"reconstruction": 2.0, "transfer": 7.0}
        total = sum(weights.get(name, 1.0) * term for name, term in output.terms.items())
        torch.testing.assert_close(output.total.detach(), total)
    assert set(objective(*features, PIDS, ATTRIBUTES).terms) == {
        *("identity", "attribute", "code", "reconstruction", "transfer")
    }


def test_terms_are_those_of_the_formulas(objective, features):
    attribute, identity = features
    terms = objective(attribute, identity, PIDS, ATTRIBUTES).terms
    logits, coded = objective.attributes(attribute), objective.inferred(identity)
    assert terms["attribute"] == attribute_loss(logits, ATTRIBUTES)
    assert terms["code"] == attribute_loss(coded.logits, ATTRIBUTES)
    assert terms["reconstruction"] == mse_loss(identity, coded.reconstruction)
    assert terms["transfer"] == transfer_loss(coded.logits.sigmoid(), logits.sigmoid())
    soft = objective.adapt(attribute, identity).terms
    assert soft["code"] == attribute_loss(coded.logits, logits.sigmoid())


def test_the_order_of_images_changes_nothing(objective, features):
    order = torch.tensor([2, 0, 3, 1])
    one = objective(*features, PIDS, ATTRIBUTES)
    other = objective(*(part[order] for part in features), PIDS[order], ATTRIBUTES[order])
    torch.testing.assert_close(one.total, other.total)


def test_the_identity_branch_learns_from_identities_alone(objective, features):
    attribute, identity = features
    output = objective(attribute, identity, PIDS, ATTRIBUTES)
    (found,) = torch.autograd.grad(output.total, identity, retain_graph=True)
    (expected,) = torch.autograd.grad(objective.identity(identity, PIDS), identity)
    torch.testing.assert_close(found, expected)
    adapted = objective.adapt(attribute, identity).total
    assert torch.autograd.grad(adapted, identity, retain_graph=True, allow_unused=True) == (None,)


def test_on_the_target_the_transfer_alone_moves_the_attribute_branch(objective, features):
    attribute, identity = features
    (found,) = torch.autograd.grad(objective.adapt(attribute, identity).total, attribute)
    code = objective.inferred(identity).logits.sigmoid().detach()
    transfer = 7.0 * transfer_loss(code, objective.attributes(attribute).sigmoid())
    torch.testing.assert_close(found, torch.autograd.grad(transfer, attribute)[0])
    assert found.abs().max() > 0


def test_two_predictions_that_agree_have_nothing_to_transfer(objective, features):
    probabilities = objective.attributes(features[0]).sigmoid()
    assert transfer_loss(probabilities, probabilities) == 0
    with torch.no_grad():
        coded = objective.inferred(features[1]).logits
    assert transfer_loss(coded.sigmoid(), coded.sigmoid()) == 0


def test_losses_are_computed_in_full_precision(objective, features):
    half = [part.detach().bfloat16() for part in features]
    with torch.autocast("cpu", torch.bfloat16):
        assert objective(*half, PIDS, ATTRIBUTES).total.dtype == torch.float32
        assert objective.adapt(*half).total.dtype == torch.float32


def test_the_encoder_decoder_has_the_same_layers_back():
    layers = IdentityInferredAttributes(10, 3, [7, 4])
    widths = [
        [(m.in_features, m.out_features) for m in part if hasattr(m, "in_features")] for part in layers.children()
    ]
    assert widths == [[(10, 7), (7, 4), (4, 3)], [(3, 4), (4, 7), (7, 10)]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_attributes": 0}, "num_attributes=0 must be a whole number of at least 1"),
        ({"hidden_dims": [0]}, "hidden_dims=0 must be a whole number of at least 1"),
        ({"reconstruction_weight": -1.0}, "reconstruction_weight=-1.0 is out of range"),
        ({"transfer_weight": -1.0}, "transfer_weight=-1.0 is out of range"),
    ],
)
def test_arguments_out_of_range(arguments, words):
    with pytest.raises(ValueError, match=words):
        TJAIDLObjective(**{"num_classes": 5, "num_attributes": 3, "embedding_dim": 8, **arguments})
