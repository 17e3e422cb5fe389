"""`RetrievalMetric`: evaluation while training, the same on any number of processes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric

from dien_lightning.processes import Processes
from dien_lightning.retrieval.blocks import euclidean_blocks
from dien_lightning.retrieval.counting import QueryScores, score_queries
from dien_lightning.retrieval.labels import RetrievalLabels, count_matches
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.ranked_lists import RankedLists, rank_gallery
from dien_lightning.retrieval.result import RetrievalResult, check_max_rank, summarize
from dien_lightning.types import UNLABELED


class EvaluationSets(NamedTuple):
    """Query and gallery of all processes, each image once, in the order of `Sample.index`; `sets[:6]` is what
    `evaluate_retrieval` takes.

    Attributes:
        query: (Q, D) embeddings.
        query_pids: (Q,) identities, on the CPU as all numbers here.
        query_camids: (Q,) cameras.
        gallery: (G, D) embeddings, without junk where the protocol drops it.
        gallery_pids: (G,) identities.
        gallery_camids: (G,) cameras.
        query_index: (Q,) `Sample.index` of each query image.
        gallery_index: (G,) `Sample.index` of each gallery image.
        num_junk: gallery images left out as junk.
        num_doubles: images that had arrived more than once.
    """

    query: Tensor
    query_pids: Tensor
    query_camids: Tensor
    gallery: Tensor
    gallery_pids: Tensor
    gallery_camids: Tensor
    query_index: Tensor
    gallery_index: Tensor
    num_junk: int
    num_doubles: int


class RetrievalMetric(Metric):
    """CMC, AP and mINP of what `update` was given, on one process or on many.

    Each image counts once, whichever rank it came from and how often: doubles are known by `Sample.index`. The images
    are put into the order of that index before anything is computed, so that the batches' order changes no bit.
    Labels travel first; then each embedding that is needed travels once, and the queries are shared out among the
    ranks. Every rank gets the same result; every rank has to call `compute`, with or without images of its own.

    Args:
        max_rank: length of the CMC.
        protocol: what is dropped and averaged; the defaults of `Protocol` if not given.
        normalize: L2-normalise the embeddings, as the paper's test does; distances then order as the cosine does.
        **options: torchmetrics' own; `compute_on_cpu=True` keeps the embeddings in main memory.

    Raises:
        ValueError: max_rank below 1.

    Example:
        >>> metric = RetrievalMetric(normalize=False)
        >>> is_query = torch.tensor([True, False, False])
        >>> pid, camid, index = torch.tensor([7, 8, 7]), torch.tensor([0, 1, 1]), torch.arange(3)
        >>> metric.update(torch.tensor([[0.0], [1.0], [2.0]]), pid, camid, is_query, index)
        >>> metric.compute().mAP
        0.5
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = True

    embedding: list[Tensor]
    labels: list[Tensor]

    def __init__(
        self, max_rank: int = 50, *, protocol: Protocol | None = None, normalize: bool = True, **options: Any
    ) -> None:
        # torchmetrics' own synchronisation sends every state to every rank, doubles too, and stops at an empty rank.
        super().__init__(sync_on_compute=False, **options)
        check_max_rank(max_rank)
        self.max_rank = max_rank
        self.protocol = protocol or Protocol()
        self.normalize = normalize
        self.add_state("embedding", default=[], dist_reduce_fx=None)
        self.add_state("labels", default=[], dist_reduce_fx=None)

    def update(self, embedding: Tensor, pid: Tensor, camid: Tensor, is_query: Tensor, index: Tensor) -> None:
        """Take one batch.

        Args:
            embedding: one row per image.
            pid: identity, -1 for none.
            camid: camera.
            is_query: True for a query image, False for a gallery image.
            index: position in the evaluation's data set: the same number is the same image.

        Shape:
            embedding (B, D), the others (B,).

        Raises:
            ValueError: when the numbers of rows differ, or is_query is not boolean.
        """
        if is_query.dtype != torch.bool:
            raise ValueError(
                f"is_query holds {is_query.dtype} and must be boolean; update takes embedding, pid, camid, is_query, "
                f"index, in this order."
            )
        labels = [value.detach().to(embedding.device, torch.int64) for value in (is_query, index, pid, camid)]
        if embedding.ndim != 2 or any(value.shape != embedding.shape[:1] for value in labels):
            shapes = [tuple(value.shape) for value in (embedding, pid, camid, is_query, index)]
            raise ValueError(f"update needs (B, D) embeddings and four times (B,) labels, and was given {shapes}.")
        dtype = torch.float64 if embedding.dtype == torch.float64 else torch.float32
        self.embedding.append(embedding.detach().to(dtype, copy=True))
        self.labels.append(torch.stack(labels, dim=1))

    def compute(self) -> RetrievalResult:
        """The figures of everything `update` was given, on all ranks.

        Raises:
            ValueError: when no query has a match, or no image came at all.
        """
        sets = self.gather()
        labels = RetrievalLabels.of(sets.query_pids, sets.query_camids, sets.gallery_pids, sets.gallery_camids)
        counts = count_matches(labels, self.protocol)
        processes = Processes(self.process_group)
        blocks = euclidean_blocks(sets.query, sets.gallery, shard=(processes.rank, processes.world_size))
        scores = score_queries(blocks, labels, self.protocol)
        scores = QueryScores(*(processes.sum(score) for score in scores))  # each rank has filled in its own queries
        result = summarize(scores, counts, labels, self.max_rank, self.protocol)
        return result._replace(num_junk=counts.num_junk + sets.num_junk)

    def _wrap_compute(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        wrapped = super()._wrap_compute(compute)

        @wraps(compute)
        def with_rows() -> RetrievalResult:  # torchmetrics makes a number of each tensor that holds a single one
            result = wrapped()
            rows = ("cmc", "rank_counts", "average_precision")
            return result._replace(**{name: getattr(result, name).reshape(-1) for name in rows})

        return with_rows

    def ranked_lists(self, k: int = 10) -> RankedLists:
        """The first k gallery images of each query; every rank has to call it.

        `indices` holds each gallery image's `Sample.index`; the rows follow the queries' `Sample.index`, ascending.
        """
        sets = self.gather()
        lists = rank_gallery(*sets[:6], k, protocol=self.protocol)
        found = sets.gallery_index.to(lists.indices.device)[lists.indices.clamp(min=0)]
        return lists._replace(indices=found.where(lists.indices >= 0, -1))

    @torch.no_grad()
    def gather(self) -> EvaluationSets:
        """Bring query and gallery of all ranks together, each image once; every rank has to call it.

        Raises:
            ValueError: when there is no query or no gallery image on any rank.
        """
        processes = Processes(self.process_group)
        own = torch.cat(self.labels).cpu() if self.labels else torch.zeros(0, 4, dtype=torch.int64)
        width = self.embedding[0].shape[1] if self.embedding else 0
        is_double = any(chunk.dtype == torch.float64 for chunk in self.embedding)
        sizes, widths, doubles = zip(*processes.gather_numbers([len(own), width, int(is_double)]), strict=True)
        joined = torch.cat(
            [
                processes.share(own if rank == processes.rank else own.new_empty(size, 4), rank)
                for rank, size in enumerate(sizes)
            ]
        )  # (N, 4), rank after rank
        is_query, index, pid, camid = joined.unbind(1)
        kept, num_junk, num_doubles = self._choose(joined)
        position = torch.full((len(joined),), -1)
        position[kept] = torch.arange(len(kept))

        device = self.embedding[0].device if self.embedding else self.device
        dtype = torch.float64 if any(doubles) else torch.float32
        embedding = torch.empty(len(kept), max(widths), dtype=dtype, device=device)
        for rank, positions in enumerate(position.split(sizes)):
            place = positions[positions >= 0].to(device)
            if rank == processes.rank and self.embedding:
                rows = self._own_rows((positions >= 0).to(device)).to(dtype)
            else:
                rows = embedding.new_empty(len(place), embedding.shape[1])
            embedding[place] = processes.share(rows, rank)
        if self.normalize:
            torch.nn.functional.normalize(embedding, dim=1, out=embedding)

        num_query = int(is_query[kept].sum())
        if num_query in {0, len(kept)}:
            raise ValueError(
                f"RetrievalMetric was given {num_query} query and {len(kept) - num_query} gallery images "
                f"({num_junk} more are junk); evaluation needs both: update it with the images of both sets."
            )
        query, gallery = kept[:num_query], kept[num_query:]
        return EvaluationSets(
            query=embedding[:num_query],
            query_pids=pid[query],
            query_camids=camid[query],
            gallery=embedding[num_query:],
            gallery_pids=pid[gallery],
            gallery_camids=camid[gallery],
            query_index=index[query],
            gallery_index=index[gallery],
            num_junk=num_junk,
            num_doubles=num_doubles,
        )

    def _choose(self, joined: Tensor) -> tuple[Tensor, int, int]:
        """Which of the images count, queries before gallery and each by index; how many are junk, how many doubles."""
        is_query, index, pid, _ = joined.unbind(1)
        order = index.argsort(stable=True)
        order = order[is_query[order].argsort(descending=True, stable=True)]
        is_first = torch.ones(len(order), dtype=torch.bool)
        is_first[1:] = (joined[order, :2].diff(dim=0) != 0).any(1)
        order, num_doubles = order[is_first], int((~is_first).sum())
        if self.protocol.junk != "drop":
            return order, 0, num_doubles
        is_junk = (is_query[order] == 0) & (pid[order] == UNLABELED)
        return order[~is_junk], int(is_junk.sum()), num_doubles

    def _own_rows(self, is_needed: Tensor) -> Tensor:
        """The embeddings of this rank that some rank needs."""
        masks = is_needed.split([len(chunk) for chunk in self.embedding])
        return torch.cat([chunk[mask] for chunk, mask in zip(self.embedding, masks, strict=True)])
