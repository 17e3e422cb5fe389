from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from dien_lightning.retrieval import blocks
from dien_lightning.retrieval.metric import RetrievalMetric
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.ranking import evaluate_retrieval

from .galleries import Images
from .test_ranking import random_images

Batch = tuple[torch.Tensor, ...]


def joined(sets: Images) -> Batch:
    """Queries and gallery as one data set: embedding, pid, camid, is_query, index."""
    number = len(sets.query) + len(sets.gallery)
    return (
        torch.cat([sets.query, sets.gallery]),
        torch.tensor(sets.query_pids + sets.gallery_pids),
        torch.tensor(sets.query_camids + sets.gallery_camids),
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


def test_equals_the_function():
    sets = random_images()
    result = evaluate([joined(sets)], normalize=False).compute()
    expected = evaluate_retrieval(*sets)
    assert result.figures() == expected.figures()
    assert result.describe() == expected.describe()
    assert torch.equal(result.cmc, expected.cmc)


def test_normalises_first_by_default():
    sets = random_images()
    unit = [torch.nn.functional.normalize(part, dim=1) for part in (sets.query, sets.gallery)]
    expected = evaluate_retrieval(unit[0], *sets[1:3], unit[1], *sets[4:])
    result = evaluate([joined(sets._replace(gallery=sets.gallery * 7))]).compute()
    assert torch.equal(result.rank_counts, expected.rank_counts)


def test_neither_batches_nor_order_nor_doubles_change_a_bit():
    batch = joined(random_images())
    expected = evaluate([batch]).compute()
    shuffled = torch.randperm(220, generator=torch.Generator().manual_seed(2))
    pieces = [take(batch, rows) for rows in (*shuffled.split(37), shuffled[:50], torch.tensor([], dtype=torch.int64))]
    metric = evaluate(pieces)
    result = metric.compute()
    assert result.figures() == expected.figures()
    assert torch.equal(result.cmc, expected.cmc)
    assert metric.gather().num_doubles == 50


def test_query_and_gallery_may_be_numbered_apart():
    sets = random_images()
    embedding, pid, camid, is_query, index = joined(sets)
    apart = torch.where(is_query, index, index - 20)
    assert evaluate([(embedding, pid, camid, is_query, apart)]).compute().figures() == (
        evaluate([joined(sets)]).compute().figures()
    )


@pytest.mark.parametrize("junk", ["drop", "distractor"])
def test_gathers_images_by_index(junk):
    batch = joined(random_images())
    sets = evaluate([take(batch, torch.arange(219, -1, -1))], normalize=False, protocol=Protocol(junk=junk)).gather()
    kept = (batch[1][20:] != -1) | (junk == "distractor")
    assert torch.equal(sets.query, batch[0][:20])
    assert torch.equal(sets.gallery, batch[0][20:][kept])
    assert torch.equal(sets.gallery_index, torch.arange(20, 220)[kept])
    assert sets.num_junk == int((~kept).sum())
    assert evaluate_retrieval(*sets[:6], protocol=Protocol(junk=junk)).mAP > 0


def test_ranked_lists_name_images_of_the_data_set():
    batch = joined(random_images())
    lists = evaluate([batch], normalize=False).ranked_lists(k=3)
    best = batch[0][lists.indices]  # (Q, 3, D)
    assert torch.equal((best - batch[0][:20, None]).norm(dim=-1).argsort(dim=1, stable=True)[:, 0], torch.zeros(20))
    assert torch.equal(batch[1][lists.indices] == batch[1][:20, None], lists.is_match)
    few = evaluate([take(batch, torch.arange(22))]).ranked_lists(k=5)
    assert bool((few.indices[:, 2:] == -1).all())


def test_a_new_epoch_begins_empty():
    first, second = joined(random_images()), joined(random_images(seed=5))
    metric = evaluate([first])
    metric.compute()
    metric.reset()
    metric.update(*second)
    assert metric.compute().figures() == evaluate([second]).compute().figures()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_embeddings_keep_what_float32_would_lose(dtype):
    embedding, *rest = joined(random_images())
    metric = evaluate([(embedding.to(dtype), *rest)])
    assert metric.gather().query.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (torch.arange(20), "was given 20 query and 0 gallery images"),
        (torch.arange(20, 220), "was given 0 query and"),
    ],
)
def test_half_a_set_is_refused(rows, words):
    with pytest.raises(ValueError, match=words):
        evaluate([take(joined(random_images()), rows)]).compute()


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"update needs \(B, D\) embeddings and four times \(B,\) labels"):
        RetrievalMetric().update(torch.zeros(2, 3), *(torch.zeros(n, dtype=torch.bool) for n in (2, 2, 2, 1)))
    with pytest.raises(ValueError, match=r"is_query holds torch\.int64 and must be boolean; update takes embed"):
        RetrievalMetric().update(torch.zeros(2, 3), *(torch.arange(2) for _ in range(4)))
    with pytest.raises(ValueError, match="max_rank=0 must be a whole number of at least 1"):
        RetrievalMetric(max_rank=0)


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
    batch = joined(random_images(num_query=33))
    everything, generator = torch.arange(233), torch.Generator().manual_seed(3)
    shuffled = everything[torch.randperm(233, generator=generator)]
    junk = take(joined(random_images(seed=9)), everything[:220])
    return {
        "alternating, as a DistributedSampler deals, padded by doubles": [
            [take(batch, rows) for rows in everything[::2].split(50)],
            [take(batch, rows) for rows in (*everything[1::2].split(50), everything[:1])],
        ],
        "ragged": [[take(batch, shuffled[:200])], [take(batch, rows) for rows in shuffled[200:].split(10)]],
        "the second rank is empty": [[batch], []],
        "the first rank is empty": [[], [take(batch, shuffled)]],
        "both have everything": [[batch], [take(batch, shuffled)]],
        "float64": [[(junk[0].double(), *junk[1:])], []],
    }


def figures(metric: RetrievalMetric) -> dict[str, Any]:
    result = metric.compute()
    return {
        "figures": result.figures(),
        "described": result.describe(),
        "counts": result.rank_counts,
        "lists": metric.ranked_lists(k=4).indices,
    }


def run_rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    blocks.rows_per_block = lambda width: 4  # several blocks for each rank
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    try:
        found: dict[str, Any] = {name: figures(evaluate(share[rank])) for name, share in shares().items()}
        shot = Protocol(single_gallery_shot=True, queries="all")
        found["single shot"] = figures(evaluate(shares()["ragged"][rank], protocol=shot))
        batch = take(joined(random_images()), torch.arange(rank, 220, 2))
        try:  # one camera: both ranks must say so, neither may wait for the other
            evaluate([(batch[0], batch[1], torch.zeros_like(batch[2]), *batch[3:])]).compute()
        except ValueError as error:
            found["one camera"] = str(error)
        torch.save(found, f"{folder}/{rank}.pt")
    finally:
        dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_two_processes_equal_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blocks, "rows_per_block", lambda width: 4)
    mp.spawn(run_rank, args=(str(tmp_path),), nprocs=2)
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    shot = Protocol(single_gallery_shot=True, queries="all")
    for name, share in {**shares(), "single shot": shares()["ragged"]}.items():
        expected = figures(evaluate(share[0] + share[1], protocol=shot if name == "single shot" else None))
        for found in ranks:
            assert found[name]["figures"] == expected["figures"], name
            assert found[name]["described"] == expected["described"], name
            assert torch.equal(found[name]["counts"], expected["counts"]), name
            assert torch.equal(found[name]["lists"], expected["lists"]), name
    assert ranks[0]["one camera"] == ranks[1]["one camera"]
    assert "there is only one camera" in ranks[0]["one camera"]
