from __future__ import annotations

import pytest
import torch

import reference
from dien_lightning.retrieval.expansion import expand_queries, pool_queries


@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_expansion_equals_the_slow_mean(alpha):
    generator = torch.Generator().manual_seed(0)
    query, gallery = torch.randn(5, 3, generator=generator), torch.randn(9, 3, generator=generator)
    expanded = expand_queries(query, gallery, k=4, alpha=alpha)
    for embedding, found in zip(query.tolist(), expanded.tolist(), strict=True):
        nearest = sorted(gallery.tolist(), key=lambda image, own=embedding: reference.euclidean(own, image))[:4]
        weights = [max(0.0, 1 - reference.cosine(embedding, image)) ** alpha for image in nearest]
        total = [
            own + sum(weight * image[d] for weight, image in zip(weights, nearest, strict=True))
            for d, own in enumerate(embedding)
        ]
        assert found == pytest.approx([value / (1 + sum(weights)) for value in total], abs=1e-5)


def test_expansion_takes_what_there_is():
    found = expand_queries(torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 0.0], [5.0, 0.0]]), k=10)
    assert found.tolist() == [[3.0, 0.0]]


@pytest.mark.parametrize(("options", "words"), [({"k": 0}, "k=0 must be"), ({"alpha": -1.0}, "alpha=-1.0 is out")])
def test_expansion_checks_its_options(options, words):
    with pytest.raises(ValueError, match=words):
        expand_queries(torch.zeros(1, 2), torch.zeros(1, 2), **options)


def test_pooling_by_hand():
    embedding = torch.tensor([[1.0, 0.0], [2.0, 2.0], [3.0, 4.0], [8.0, 8.0], [6.0, 6.0]])
    pooled = pool_queries(embedding, [4, 4, 4, -1, -1], [0, 1, 0, 2, 2])
    assert pooled.pids.tolist() == [-1, -1, 4, 4]
    assert pooled.camids.tolist() == [2, 2, 0, 1]
    assert pooled.embedding.tolist() == [[8.0, 8.0], [6.0, 6.0], [2.0, 2.0], [2.0, 2.0]]


def test_order_does_not_change_the_pools():
    generator = torch.Generator().manual_seed(0)
    embedding = torch.randint(0, 9, (40, 3), generator=generator).float()
    pids, camids = (torch.randint(0, 4, (40,), generator=generator) for _ in range(2))
    turned = torch.randperm(40, generator=generator)
    for one, other in zip(
        pool_queries(embedding, pids, camids),
        pool_queries(embedding[turned], pids[turned], camids[turned]),
        strict=True,
    ):
        assert torch.equal(one, other)


def test_pooling_checks_its_labels():
    with pytest.raises(ValueError, match="3 embeddings need a pid and a camid each, not 2 and 3"):
        pool_queries(torch.zeros(3, 1), [1, 2], [0, 0, 0])
