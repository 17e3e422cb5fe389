"""The objective of self-training: its terms are the losses themselves, and their sum is what is minimised."""

from __future__ import annotations

import pytest
import torch

from dien_lightning.losses import ClusterMemoryLoss, IdentityLoss, SelfTrainingObjective


def batch(width=8):
    generator = torch.Generator().manual_seed(0)
    target, source = (torch.randn(number, width, dtype=torch.float64, generator=generator) for number in (6, 4))
    return target, torch.tensor([2, 3, 2, 3, 4, 4]), source, torch.tensor([0, 1, 0, 1])


def build(**options) -> SelfTrainingObjective:
    torch.manual_seed(0)
    objective = SelfTrainingObjective(8, **options).double()
    if objective.memory is not None:
        objective.memory.fill(torch.randn(5, 8, dtype=torch.float64))
    return objective


def test_the_terms_are_the_losses_and_the_total_their_weighted_sum():
    target, rows, source, pids = batch()
    objective = build(source_term="spcl", domain_weight=0.3)
    memory = ClusterMemoryLoss()
    memory.fill(objective.memory.entries)
    found = objective(target, rows, source, pids)
    torch.testing.assert_close(found.terms["cluster"], memory(target, rows))
    torch.testing.assert_close(found.terms["source"], memory(source, pids))
    torch.testing.assert_close(found.terms["domain"], objective.domain(source, target).detach())
    expected = found.terms["cluster"] + found.terms["source"] + 0.3 * found.terms["domain"]
    torch.testing.assert_close(found.total.detach(), expected)
    assert set(found.health) == {
        *("target_spread", "embedding_spread", "center_distance", "cluster_accuracy", "domain_accuracy"),
    }


def test_on_the_target_alone_and_by_a_classifier():
    target, rows, *_ = batch()
    alone = build()(target, rows)
    assert set(alone.terms) == {"cluster"}
    assert torch.equal(alone.total.detach(), alone.terms["cluster"])
    by_classifier = build(num_clusters=5, identity_dropout=0.0)
    expected = by_classifier.identity(target, rows)
    assert isinstance(by_classifier.identity, IdentityLoss)
    torch.testing.assert_close(by_classifier(target, rows).total, expected)
    by_classifier.update(target, rows, None, None)  # there is nothing to move


def test_a_batch_moves_the_entries_of_both_domains():
    target, rows, source, pids = batch()
    objective = build(source_term="spcl")
    memory = ClusterMemoryLoss(momentum=0.2)
    memory.fill(objective.memory.entries)
    memory.update(source, pids)
    memory.update(target, rows)
    objective.update(target, rows, source, pids)
    torch.testing.assert_close(objective.memory.entries, memory.entries)


def test_a_source_in_a_memory_of_its_own_is_told_apart_from_source_classes_alone():
    target, rows, source, pids = batch()
    objective = build(source_term="separate")
    own = ClusterMemoryLoss()
    own.fill(torch.randn(2, 8, dtype=torch.float64))
    objective.source_memory.fill(own.entries)
    assert objective.memories == {"memory": objective.memory, "source_memory": objective.source_memory}
    found, alone = objective(target, rows, source, pids), build()(target, rows)
    torch.testing.assert_close(found.terms["cluster"], alone.terms["cluster"])  # as if there were no source
    torch.testing.assert_close(found.terms["source"], own(source, pids))
    torch.testing.assert_close(found.total.detach(), alone.total.detach() + own(source, pids))
    before = objective.memory.entries
    objective.update(target, rows, source, pids)
    own.update(source, pids)
    torch.testing.assert_close(objective.source_memory.entries, own.entries)
    assert torch.equal(objective.memory.entries[:2], before[:2])  # rows 2 to 4 alone have moved


def test_a_memory_that_both_domains_share_stands_once():
    objective = build(source_term="spcl")
    assert objective.source_memory is objective.memory
    assert list(objective.memories) == ["memory"]
    assert build(num_clusters=5).memories == {}


@pytest.mark.parametrize(
    ("options", "kept"),
    [({}, 0.1), ({"source_term": "separate"}, 0.1), ({"source_term": "spcl"}, 0.2), ({"momentum": 0.5}, 0.5)],
)
def test_a_memory_keeps_what_its_recipe_keeps(options, kept):
    assert {memory.momentum for memory in build(**options).memories.values()} == {kept}


def test_errors():
    with pytest.raises(ValueError, match="source_term='all' is not allowed; choose one of none, spcl, separate"):
        build(source_term="all")
    with pytest.raises(ValueError, match="domain_weight=-1 is out of range"):
        build(domain_weight=-1)
    with pytest.raises(ValueError, match="the objective needs source embeddings; give them, or set source_term='none'"):
        build(domain_weight=1)(*batch()[:2])
