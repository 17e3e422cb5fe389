"""CCCDTL and the exemplar loss: loops over all triplets, hand-worked values, and what must not change them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

import reference
from dien_lightning.losses.triplet import (
    CrossDomainTripletLoss,
    ExemplarTripletLoss,
    hardest_hinges,
)

LOSSES = [CrossDomainTripletLoss, ExemplarTripletLoss]
OFF = {CrossDomainTripletLoss: {"center_weight": 0}, ExemplarTripletLoss: {}}
SLOW = {CrossDomainTripletLoss: reference.cross_domain_hinges, ExemplarTripletLoss: reference.exemplar_hinges}


def batch(num_source=8, num_target=5, width=4, seed=0):
    """Source embeddings, their identities (two images each, then shuffled) and target embeddings."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randn(num_source, width, dtype=torch.float64, generator=generator)
    target = torch.randn(num_target, width, dtype=torch.float64, generator=generator)
    pids = (torch.arange(num_source) // 2)[torch.randperm(num_source, generator=generator)]
    return source, pids, target


def on_circle(*degrees):
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def chord(degrees):
    return 2 * math.sin(math.radians(degrees) / 2)


# ---- against the loop ----


@pytest.mark.parametrize("kind", LOSSES)
@settings(max_examples=30)
@given(
    num_source=st.integers(1, 8),
    num_target=st.integers(1, 6),
    margin=st.floats(0.05, 2),
    center_weight=st.sampled_from([0, 1, 2.5]),
    seed=st.integers(0, 10_000),
)
def test_terms_and_their_sum_as_the_loop_has_them(kind, num_source, num_target, margin, center_weight, seed):
    source, pids, target = batch(num_source, num_target, seed=seed)
    hinges = SLOW[kind](source.tolist(), pids.tolist(), target.tolist(), margin)
    has_center = kind is CrossDomainTripletLoss and center_weight > 0
    loss = kind(margin, center_weight) if has_center else kind(margin, **OFF[kind])
    terms = loss.terms(source, pids, target)
    assert float(terms.triplet) == pytest.approx(sum(hinges) / len(hinges), abs=1e-12)
    assert float(terms.active) == pytest.approx(sum(hinge > 0 for hinge in hinges) / len(hinges))
    total = sum(hinges) / len(hinges)
    if has_center:
        gap = reference.center_gap(source.tolist(), target.tolist())
        assert float(terms.center) == pytest.approx(gap, abs=1e-12)
        total += center_weight * gap
    else:
        assert terms.center is None
    assert float(terms.total) == pytest.approx(total, abs=1e-12)
    assert torch.equal(loss(source, pids, target), terms.total)


# ---- by hand ----


def test_cross_domain_by_hand():
    # Identity 0 at 0 and 60 degrees, identity 1 at 180; the target's one image at 90 is nearest to the image at 60.
    source, pids, target = on_circle(0, 60, 180), torch.tensor([0, 0, 1]), on_circle(90)
    first = max(0, 0.3 + chord(60) - chord(90))  # negatives: 90 degrees (target), 180 (source)
    second = max(0, 0.3 + chord(60) - chord(30))
    third = max(0, 0.3 + 0 - chord(90))  # alone: its own positive, at distance 0
    terms = CrossDomainTripletLoss(0.3).terms(source, pids, target)
    assert float(terms.triplet) == pytest.approx((first + second + third) / 3)
    assert float(terms.active) == pytest.approx(1 / 3)
    mean = ((1 + 0.5 - 1) / 3, math.sin(math.radians(60)) / 3)
    assert float(terms.center) == pytest.approx(math.hypot(mean[0], mean[1] - 1))


def test_exemplar_by_hand():
    # Two target images 30 degrees apart push each other, and are pushed by nobody else.
    source, pids, target = on_circle(0, 10), torch.tensor([3, 3]), on_circle(150, 155)
    terms = ExemplarTripletLoss(0.3).terms(source, pids, target)
    assert float(terms.total) == pytest.approx(2 * (0.3 - chord(5)) / 4)
    assert float(terms.active) == 0.5


def test_hardest_hinges_by_hand():
    distances = torch.tensor([[0.0, 3.0, 2.0, 5.0], [3.0, 0.0, 1.0, 4.0], [0.0, 1.0, 3.0, 4.0]])
    positive = torch.tensor([[True, True, False, False]]).expand(3, -1)
    assert hardest_hinges(distances, positive, ~positive, 1.0).tolist() == [1 + 3 - 2, 1 + 3 - 1, 0]


# ---- properties ----


@pytest.mark.parametrize("loss", LOSSES)
def test_order_and_length_and_names_do_not_matter(loss):
    source, pids, target = batch()
    value = loss()(source, pids, target)
    order, shuffled = torch.tensor([3, 1, 7, 0, 2, 6, 4, 5]), torch.tensor([4, 0, 2, 1, 3])
    torch.testing.assert_close(loss()(source[order], pids[order], target[shuffled]), value)
    lengths = torch.linspace(0.1, 9, len(source), dtype=torch.float64)[:, None]
    torch.testing.assert_close(loss()(source * lengths, pids, 3 * target), value)
    torch.testing.assert_close(loss()(source, 1000 - 7 * pids, target), value)


def test_without_target_negatives_the_hinge_is_the_sources_own():
    source, pids, target = on_circle(0, 60, 180), torch.tensor([0, 0, 1]), on_circle(90).requires_grad_()
    loss = CrossDomainTripletLoss(0.3, center_weight=0, target_negatives=False)
    value = loss(source, pids, target)
    first, second = (max(0, 0.3 + chord(60) - chord(degrees)) for degrees in (180, 120))
    assert value.item() == pytest.approx((first + second + max(0, 0.3 - chord(120))) / 3)
    value.backward()
    assert target.grad.abs().max() == 0  # the target has no part in it


def test_two_target_images_never_push_each_other():
    source, pids = on_circle(0, 5, 90, 95), torch.tensor([0, 0, 1, 1])
    target = on_circle(200, 201, 250).requires_grad_()
    CrossDomainTripletLoss(0.3, center_weight=0)(source, pids, target).backward()
    assert target.grad.abs().max() == 0  # far from all source images, however near one another
    target.grad = None
    ExemplarTripletLoss(0.3)(source, pids, target).backward()
    assert (target.grad[:2].abs().sum(1) > 0).all()


@pytest.mark.parametrize("loss", [CrossDomainTripletLoss(0.5), ExemplarTripletLoss(0.5)], ids=["CCCDTL", "TL"])
def test_gradient(loss):
    source, pids, target = batch()
    assert gradcheck(lambda a, b: loss(a, pids, b), (source.requires_grad_(), target.requires_grad_()))


# ---- the edges ----


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("loss", LOSSES)
def test_identical_embeddings_give_the_margin_and_a_finite_gradient(loss, dtype):
    source = torch.full((4, 64), 0.3, dtype=dtype, requires_grad=True)
    target = torch.full((3, 64), 0.3, dtype=dtype, requires_grad=True)
    value = loss(0.3)(source, torch.tensor([0, 0, 1, 1]), target)
    assert float(value.detach()) == pytest.approx(0.3, abs=1e-6)
    value.backward()
    assert source.grad.isfinite().all()
    assert target.grad.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES)
def test_zero_embeddings_give_a_finite_gradient(loss):
    source = torch.zeros(4, 8, requires_grad=True)
    loss()(source, torch.tensor([0, 0, 1, 1]), torch.zeros(3, 8)).backward()
    assert source.grad.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES)
def test_no_negative_means_no_loss(loss):
    source = on_circle(0, 90).requires_grad_()
    terms = loss(0.3).terms(source, torch.tensor([2, 2]), source.new_empty(0, 2))
    assert [float(term.detach()) for term in terms if term is not None] == [0] * (3 + bool(OFF[loss]))
    terms.total.backward()
    assert source.grad.abs().max() == 0


# ---- errors ----


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("margin", [0, -0.3, math.nan, math.inf, "wide", None, True])
def test_margin_must_be_a_number_above_0(loss, margin):
    with pytest.raises(ValueError, match=r"margin=.* is out of range; choose a number in \(0, inf\)\."):
        loss(margin=margin)


def test_center_weight_must_not_be_negative():
    with pytest.raises(ValueError, match=r"center_weight=-1 is out of range; choose a number in \[0, inf\)\."):
        CrossDomainTripletLoss(center_weight=-1)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8])
def test_narrow_types_have_room_for_every_exemplar(dtype):
    torch.manual_seed(0)
    source, target, pids = torch.randn(8, 4), torch.randn(64, 4), torch.arange(8) // 2 + 120
    loss = ExemplarTripletLoss(margin=0.3)
    assert loss(source, pids.to(dtype), target) == loss(source, pids, target)
