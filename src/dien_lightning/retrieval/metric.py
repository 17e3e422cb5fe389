"""`RetrievalMetric`: gathers embeddings batch by batch and ranks them, the same on any number of processes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from dien_lightning.checks import check_int
from dien_lightning.processes import Processes
from dien_lightning.retrieval.expansion import pool_tracklets
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.ranking import evaluate_sets
from dien_lightning.retrieval.result import RetrievalResult
from dien_lightning.retrieval.searches import choose_images
from dien_lightning.retrieval.sets import EvaluationSets
from dien_lightning.types import UNLABELED, LabelsLike, check_embeddings, label_tensor, whole_numbers

# One image embedded twice, in other batches or in half precision, differs by far less than this share of its length.
_APART = 0.1
_INDEX = (
    "`index` has to be an image's place in the evaluation's data set, counted on from query to gallery, as "
    "`Sample.index` is; its place in the batch names other images with each batch. Between evaluations call reset()."
)


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
        check_int("max_rank", max_rank, 1, "the CMC begins at rank 1")
        self.max_rank = max_rank
        self.protocol = Protocol.given(protocol)
        self.normalize = normalize
        self.add_state("embedding", default=[], dist_reduce_fx=None)
        self.add_state("labels", default=[], dist_reduce_fx=None)

    def update(
        self,
        embedding: Tensor,
        pid: LabelsLike,
        camid: LabelsLike,
        is_query: LabelsLike,
        index: LabelsLike,
        *,
        clothes: LabelsLike | int = UNLABELED,
        tracklet: LabelsLike | int = UNLABELED,
    ) -> None:
        """Take one batch.

        Args:
            embedding: one row per image.
            pid: identity, -1 for none.
            camid: camera.
            is_query: True for a query image, False for a gallery image.
            index: place in the evaluation's data set, counted on from query to gallery: the same number is the same
                image. Images that share one and differ are refused when the figures are computed; embeddings are
                compared within a process.
            clothes: what the person wears, numbered over all people; -1 where nobody knows.
            tracklet: which sequence the image is a frame of; -1 where it stands alone.

        Shape:
            embedding (B, D), the others (B,).

        Raises:
            ValueError: when the numbers of rows differ, embeddings are no floating-point tensor, or of another width
                than before, labels are no whole numbers, or is_query is not boolean.
        """
        check_embeddings("embedding", embedding)
        is_query = label_tensor("is_query", is_query)
        if is_query.dtype != torch.bool:
            raise ValueError(
                f"is_query holds {is_query.dtype} and must be boolean; update takes embedding, pid, camid, is_query, "
                f"index, in this order."
            )
        given = {"is_query": is_query, "index": index, "pid": pid, "camid": camid}
        for name, value in (("clothes", clothes), ("tracklet", tracklet)):
            given[name] = torch.full((len(embedding),), value) if isinstance(value, int) else value
        labels = []
        for name, value in given.items():
            labels.append(whole_numbers(name, value, len(embedding)).to(embedding.device))
        if self.embedding and (width := self.embedding[0].shape[1]) != embedding.shape[1]:
            raise ValueError(
                f"This batch's embeddings are {embedding.shape[1]} wide, and those before it {width}; take all from "
                "the same network."
            )
        dtype = torch.float64 if embedding.dtype == torch.float64 else torch.float32
        self.embedding.append(embedding.detach().to(dtype, copy=True))
        self.labels.append(torch.stack(labels, dim=1))

    def compute(self) -> RetrievalResult:
        """The figures of everything `update` was given, on all ranks.

        Raises:
            ValueError: when no query has a match, no image came at all, or two images have one index.
        """
        sets, processes = self.gather(), Processes(self.process_group)
        return evaluate_sets(sets, max_rank=self.max_rank, protocol=self.protocol, processes=processes)

    def _wrap_compute(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        wrapped = super()._wrap_compute(compute)

        @wraps(compute)
        def with_rows() -> RetrievalResult:  # torchmetrics makes a number of each tensor that holds a single one
            result = wrapped()
            rows = ("cmc", "rank_counts", "average_precision")
            return result._replace(**{name: getattr(result, name).reshape(-1) for name in rows})

        return with_rows

    @torch.no_grad()
    def gather(self) -> EvaluationSets:
        """Bring query and gallery of all ranks together, each image once; every rank has to call it.

        Raises:
            ValueError: when there is no query or no gallery image on any rank, or two images have one index.
        """
        processes = Processes(self.process_group)
        own = torch.cat(self.labels).cpu() if self.labels else torch.zeros(0, 6, dtype=torch.int64)
        width = self.embedding[0].shape[1] if self.embedding else 0
        is_double = any(chunk.dtype == torch.float64 for chunk in self.embedding)
        numbers = torch.tensor([[len(own), width, int(is_double), self._index_of_two(own)]])
        sizes, widths, doubles, indices_of_two = processes.join(numbers).T.tolist()  # a number for each rank
        shared = [
            processes.share(own if rank == processes.rank else own.new_empty(size, 6), rank)
            for rank, size in enumerate(sizes)
        ]
        joined = torch.cat(shared)  # (N, 6), rank after rank
        kept, num_junk, num_doubles = self._choose(joined)
        if max(indices_of_two) >= 0:
            raise ValueError(f"Two images have index {max(indices_of_two)}: their embeddings lie apart. {_INDEX}")
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

        num_query = int(joined[kept, 0].sum())
        halves = {"query": slice(num_query), "gallery": slice(num_query, None)}
        if self.protocol.search == "leave_one_out":  # each image is both
            halves = dict.fromkeys(halves, slice(None))
        if not all(len(kept[half]) for half in halves.values()):
            raise ValueError(
                f"RetrievalMetric was given {num_query} query and {len(kept) - num_query} gallery images "
                f"({num_junk} more are junk); evaluation needs both: update it with the images of both sets."
            )
        parts: dict[str, Tensor] = {}
        for role, half in halves.items():
            parts[role] = embedding[half]
            for label, column in zip(("index", "pids", "camids", "clothes", "tracklets"), joined.T[1:], strict=True):
                parts[f"{role}_{label}"] = column[kept[half]]
        sets = EvaluationSets(**parts, num_junk=num_junk, num_doubles=num_doubles)  # type: ignore[arg-type]
        pooled = pool_tracklets(sets, self.protocol)
        if pooled is not sets and self.normalize:
            pooled = pooled.normalized("query", "gallery")
        return choose_images(pooled, self.protocol)

    def _choose(self, joined: Tensor) -> tuple[Tensor, int, int]:
        """Which of the images count, queries before gallery and each by index; how many are junk, how many doubles."""
        is_query, index, pid = joined.T[:3]
        order = index.argsort(stable=True)
        is_again = torch.zeros(len(order), dtype=torch.bool)
        is_again[1:] = index[order].diff() == 0
        another = (joined[order].diff(dim=0) != 0).any(1) & is_again[1:]
        if bool(another.any()):
            place = int(another.nonzero()[0])
            one, other = (
                f"{'query' if query else 'gallery'} image of person {person} in camera {camera}"
                for query, _, person, camera, *_ in joined[order[place : place + 2]].tolist()
            )
            raise ValueError(f"Two images have index {int(index[order[place]])}: a {one}, and a {other}. {_INDEX}")
        order = order[~is_again]
        order = order[is_query[order].argsort(descending=True, stable=True)]
        is_junk = (is_query[order] == 0) & (pid[order] == UNLABELED) & (self.protocol.junk == "drop")
        return order[~is_junk], int(is_junk.sum()), int(is_again.sum())

    def _index_of_two(self, own: Tensor) -> int:
        """An index by which this rank was given embeddings that are not one image's; -1 where there is none."""
        index, order = own[:, 1].sort(stable=True)
        again = (index.diff() == 0).nonzero().flatten()
        if not len(again):
            return -1
        pairs = torch.stack([order[again], order[again + 1]])  # (2, doubles)
        numbers, places = pairs.unique(return_inverse=True)
        is_needed = torch.zeros(len(own), dtype=torch.bool)
        is_needed[numbers] = True
        one, other = self._own_rows(is_needed.to(self.embedding[0].device))[places.to(self.embedding[0].device)]
        apart = (one - other).norm(dim=1) > _APART * one.norm(dim=1)
        return int(index[again][apart.cpu()].max()) if bool(apart.any()) else -1

    def _own_rows(self, is_needed: Tensor) -> Tensor:
        """The embeddings of this rank that some rank needs."""
        masks = is_needed.split([len(chunk) for chunk in self.embedding])
        return torch.cat([chunk[mask] for chunk, mask in zip(self.embedding, masks, strict=True)])
