from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.distributed as dist

from dien_lightning.retrieval import (
    EvaluationSets,
    Protocol,
    RetrievalMetric,
    blocks,
    evaluate_retrieval,
    evaluate_sets,
    expand_queries,
)
from processes import run_on_processes

from .galleries import random_sets

Batch = tuple[torch.Tensor, ...]


def joined(sets: EvaluationSets) -> Batch:
    """Queries and gallery as one data set: embedding, pid, camid, is_query, index."""
    number = len(sets.query) + len(sets.gallery)
    return (
        torch.cat([sets.query, sets.gallery]),
        torch.cat([sets.query_pids, sets.gallery_pids]),
        torch.cat([sets.query_camids, sets.gallery_camids]),
        torch.arange(number) < len(sets.query),
        torch.arange(number),
    )


def take(batch: Batch, rows: torch.Tensor) -> Batch:
    return tuple(part[rows] for part in batch)


def evaluate(batches: list[Batch], **options: Any) -> RetrievalMetric:
    metric = RetrievalMetric(**options)
    for batch in batches:
        metric.update(*batch)
    return metric


def test_equals_the_function_on_embeddings_of_unit_length():
    sets = random_sets()
    expected = evaluate_sets(sets)
    result = evaluate([joined(sets)], normalize=False).compute()
    assert (result.figures(), result.describe()) == (expected.figures(), expected.describe())
    assert torch.equal(result.cmc, expected.cmc)
    result = evaluate([joined(replace(sets, gallery=sets.gallery * 7))]).compute()
    assert torch.equal(result.rank_counts, evaluate_sets(sets.normalized("query", "gallery")).rank_counts)


def test_neither_batches_nor_order_nor_doubles_change_a_bit():
    batch = joined(random_sets())
    expected = evaluate([batch]).compute()
    shuffled = torch.randperm(220, generator=torch.Generator().manual_seed(2))
    pieces = [take(batch, rows) for rows in (*shuffled.split(37), shuffled[:50], torch.tensor([], dtype=torch.int64))]
    result = evaluate(pieces).compute()
    assert result.figures() == expected.figures()
    assert torch.equal(result.cmc, expected.cmc)
    assert (expected.num_doubles, result.num_doubles, result.describe()["num_doubles"]) == (0, 50, 50)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pid": 2}, "index 3: a query image of person 1 in camera 0, and a query image of person 2 in camera 0"),
        (
            {"camid": 4},
            "a query image of person 1 in camera 4. `index` has to be an image's place in the evaluation",
        ),
        ({"is_query": False}, "and a gallery image of person 1 in camera 0. `index` has"),
        ({"embedding": [1.0, 0.5]}, r"index 3: their embeddings lie apart\..* Between evaluations call reset\(\)"),
        ({"embedding": [1.0, 0.01]}, None),  # one image, embedded in another batch
    ],
)
def test_one_index_is_one_image(change, words):
    image = {"embedding": [1.0, 0.0], "pid": 1, "camid": 0, "is_query": True}
    metric = RetrievalMetric()
    metric.update(torch.ones(1, 2), torch.ones(1), torch.ones(1), torch.tensor([False]), torch.tensor([7]))
    for shown in (image, image | change):
        metric.update(**{name: torch.tensor([value]) for name, value in shown.items()}, index=torch.tensor([3]))
    if words is None:
        assert metric.compute().num_doubles == 1
        return
    with pytest.raises(ValueError, match=words):
        metric.compute()


@pytest.mark.parametrize("junk", ["drop", "distractor"])
def test_gathers_images_by_index(junk):
    batch = joined(random_sets())
    metric = evaluate([take(batch, torch.arange(219, -1, -1))], normalize=False, protocol=Protocol(junk=junk))
    sets, kept = metric.gather(), (batch[1][20:] != -1) | (junk == "distractor")
    assert torch.equal(sets.query, batch[0][:20])
    assert torch.equal(sets.gallery, batch[0][20:][kept])
    assert torch.equal(sets.gallery_index, torch.arange(20, 220)[kept])
    assert sets.num_junk == int((~kept).sum()) == metric.compute().num_junk
    pooled = expand_queries(sets, k=2)  # what follows knows what was left out before
    assert evaluate_sets(pooled, protocol=metric.protocol).num_junk == sets.num_junk


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_embeddings_keep_what_float32_would_lose(dtype):
    embedding, *rest = joined(random_sets())
    metric = evaluate([(embedding.to(dtype), *rest)])
    assert metric.gather().query.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (torch.arange(20), "was given 20 query and 0 gallery images"),
        (torch.arange(20, 220), "was given 0 query and"),
        (torch.arange(0), "was given 0 query and 0 gallery"),
    ],
)
def test_half_a_set_is_refused(rows, words):
    with pytest.raises(ValueError, match=words):
        evaluate([take(joined(random_sets()), rows)]).compute()


def test_frames_are_averaged_clothes_are_told_and_one_query_may_ask_in_leave_one_out():
    embedding = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 1.0], [5.0, 0.0]])
    metric = RetrievalMetric(protocol=Protocol(search="leave_one_out", clothes="changed"))
    clothes, tracklet = torch.tensor([0, 1, 1, 2]), torch.tensor([-1, 6, 6, -1])
    pid, gallery = torch.tensor([1, 1, 1, 2]), torch.zeros(4, dtype=torch.bool)
    camid = torch.tensor([0, 1, 1, 3])
    metric.update(embedding, pid, camid, gallery, torch.arange(4), clothes=clothes, tracklet=tracklet)
    sets = metric.gather()
    assert sets.gallery_index.tolist() == sets.query_index.tolist() == [0, 3, 1]
    torch.testing.assert_close(sets.gallery, torch.tensor([[0.6, 0.8], [1.0, 0.0], [0.5**0.5, 0.5**0.5]]))
    assert metric.compute().average_precision.tolist() == pytest.approx([1, torch.nan, 1], nan_ok=True)


def test_a_call_pools_tracklets_as_the_metric_does():
    sets = random_sets(num_query=12, num_gallery=60)
    numbers = {"query": torch.arange(12) // 3, "gallery": torch.arange(60) // 4}
    parts = {f"{role}_tracklets": number for role, number in numbers.items()}
    for role, number in numbers.items():  # of one person in one camera
        parts |= {name: getattr(sets, name)[number] for name in (f"{role}_pids", f"{role}_camids")}
    sets = replace(sets, **parts)
    metric = RetrievalMetric(normalize=False)
    metric.update(*joined(sets), tracklet=torch.cat([sets.query_tracklets, sets.gallery_tracklets]))
    names = (f"{role}{label}" for role in numbers for label in ("", "_pids", "_camids", "_tracklets"))
    result, expected = evaluate_retrieval(**{name: getattr(sets, name) for name in names}), metric.compute()
    assert result.num_queries == expected.num_queries == 4
    assert result.figures() == expected.figures()


def test_one_query_and_one_rank_are_rows_too():
    metric = RetrievalMetric(max_rank=1)
    embedding = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]])
    metric.update(embedding, torch.tensor([0, 1, 0]), torch.tensor([0, 1, 1]), torch.arange(3) == 0, torch.arange(3))
    embedding.zero_()  # what was given is kept, not what becomes of it
    result = metric.compute()
    assert result.average_precision.tolist() == result.cmc.tolist() == [1.0]
    assert pickle.loads(pickle.dumps(metric)).compute().rank_counts.tolist() == [1]


def shares() -> dict[str, list[list[Batch]]]:
    """What each of two ranks is given, by the name of the case."""
    batch = joined(random_sets(num_query=33))
    everything, generator = torch.arange(233), torch.Generator().manual_seed(3)
    shuffled = everything[torch.randperm(233, generator=generator)]
    double = joined(random_sets(seed=9))
    one_camera = (batch[0], batch[1], torch.zeros_like(batch[2]), *batch[3:])
    moved = (batch[0].roll(1), *batch[1:])
    return {
        "alternating, as a DistributedSampler deals, padded by doubles": [
            [take(batch, rows) for rows in everything[::2].split(50)],
            [take(batch, rows) for rows in (*everything[1::2].split(50), everything[:1])],
        ],
        "ragged": [[take(batch, shuffled[:200])], [take(batch, rows) for rows in shuffled[200:].split(10)]],
        "the second rank is empty": [[batch], []],
        "the first rank is empty": [[], [take(batch, shuffled)]],
        "both have everything": [[batch], [take(batch, shuffled)]],
        "float64": [[(double[0].double(), *double[1:])], []],
        "one camera": [[take(one_camera, everything[::2])], [take(one_camera, everything[1::2])]],
        "two images by one index": [[batch, moved], [batch]],
    }


def figures(batches: list[Batch]) -> dict[str, Any]:
    """What one rank finds, or what it is told."""
    try:
        result = evaluate(batches).compute()
    except ValueError as error:  # both ranks must say so, neither may wait for the other
        return {"told": str(error)}
    return {"figures": result.figures(), "described": result.describe(), "counts": result.rank_counts.tolist()}


def figures_of_rank() -> dict[str, dict[str, Any]]:
    blocks.rows_per_block = lambda width: 4  # several blocks for each rank
    return {name: figures(share[dist.get_rank()]) for name, share in shares().items()}


def test_two_processes_equal_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blocks, "rows_per_block", lambda width: 4)
    ranks = run_on_processes(figures_of_rank)
    assert ranks[0] == ranks[1]
    for name, share in shares().items():
        assert ranks[0][name] == figures(share[0] + share[1]), name
    assert "there is only one camera" in ranks[0]["one camera"]["told"]
    assert "their embeddings lie apart" in ranks[0]["two images by one index"]["told"]
