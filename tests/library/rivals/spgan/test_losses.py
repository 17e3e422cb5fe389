"""SPGAN's losses against loops, by hand, and by what must not change them."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from dien_lightning.rivals.spgan.losses import Pair, SPGANLoss, contrastive, similarity_preserving


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def embeddings(seed: int, count: int = 5) -> Pair:
    return Pair(*(normalize(drawn(count, 6, seed=seed + k), dim=1) for k in range(2)))


def looped_similarity(real: Pair, translated: Pair, margin: float) -> float:
    kinds: list[list[float]] = [[], [], [], []]
    for domain, other, alike, unlike in (("source", "target", 0, 1), ("target", "source", 2, 3)):
        for i, one in enumerate(getattr(translated, domain)):
            kinds[alike].append(math.dist(one.tolist(), getattr(real, domain)[i].tolist()) ** 2)
            for two in getattr(real, other):
                kinds[unlike].append(max(0.0, margin - math.dist(one.tolist(), two.tolist())) ** 2)
    return sum(sum(kind) / len(kind) for kind in kinds) / 4


@pytest.mark.parametrize("margin", [0.0, 1.0, 2.0])
def test_the_similarity_is_a_loops(margin):
    real, translated = embeddings(0), embeddings(10)
    value = similarity_preserving(real, translated, margin)
    assert float(value) == pytest.approx(looped_similarity(real, translated, margin), abs=1e-6)


def test_the_similarity_by_hand():
    east, north, west = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([[-1.0, 0.0]])
    # Nothing is lost where translations stay what they were and the domains are opposite.
    assert float(similarity_preserving(Pair(east, west), Pair(east, west), 2.0)) == 0
    # The source's turned by a right angle (2), the target's right round (4), onto what it should be unlike (m^2).
    both = similarity_preserving(Pair(east, west), Pair(north, east), 2.0)
    unlike = (2 - math.sqrt(2)) ** 2
    assert float(both) == pytest.approx((2 + 4 + unlike + 4) / 4)


def test_no_order_of_the_batch_changes_the_similarity():
    real, translated = embeddings(0), embeddings(10)
    order = torch.tensor([3, 0, 4, 1, 2])
    moved = (Pair(*(each[order] for each in pair)) for pair in (real, translated))
    assert float(similarity_preserving(*moved, 2.0)) == pytest.approx(
        float(similarity_preserving(real, translated, 2.0))
    )


def test_equal_embeddings_have_a_gradient():
    same = drawn(3, 4).requires_grad_()
    contrastive(same, same.detach(), 2.0, is_alike=False).backward()
    assert same.grad is not None
    assert same.grad.isfinite().all()


def test_the_sum_is_that_of_its_weighted_terms():
    loss = SPGANLoss(margin=1.0, cycle_weight=3.0, identity_weight=0.5, similarity_weight=7.0)
    images, restored, kept = (Pair(drawn(2, 3, 4, 4, seed=k), drawn(2, 3, 4, 4, seed=k + 1)) for k in (0, 2, 4))
    scores, real, translated = Pair(drawn(2, 1, 2, 2, seed=6), drawn(2, 1, 2, 2, seed=7)), embeddings(8), embeddings(9)
    given = {"images": images, "restored": restored, "kept": kept, "real": real, "translated": translated}
    output = loss(scores, **given)
    expected = {
        "gan": sum(float((each - 1).square().mean()) for each in scores),
        "cycle": sum(float((a - b).abs().mean()) for a, b in zip(restored, images, strict=True)),
        "identity": sum(float((a - b).abs().mean()) for a, b in zip(kept, images, strict=True)),
        "similarity": looped_similarity(real, translated, 1.0),
    }
    assert {name: float(value) for name, value in output.terms.items()} == pytest.approx(expected)
    weights = {"gan": 1.0, "cycle": 3.0, "identity": 0.5, "similarity": 7.0}
    assert float(output.total) == pytest.approx(sum(weights[name] * value for name, value in expected.items()))


def test_what_is_off_is_absent():
    loss = SPGANLoss(identity_weight=0, similarity_weight=0)
    still = Pair(drawn(1, 3, 4, 4), drawn(1, 3, 4, 4))
    output = loss(Pair(torch.ones(1), torch.ones(1)), images=still, restored=still)
    assert output.terms.keys() == {"gan", "cycle"} == loss.weights.keys()
    assert float(output.total) == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"margin": 2.5}, r"margin=2.5 is out of range; choose a number in \[0, 2\]"),
        ({"cycle_weight": 0}, "cycle_weight=0 is out of range"),
        ({"identity_weight": -1}, "identity_weight=-1 is out of range"),
        ({"similarity_weight": -1}, "similarity_weight=-1 is out of range"),
    ],
)
def test_numbers_out_of_range_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        SPGANLoss(**given)
