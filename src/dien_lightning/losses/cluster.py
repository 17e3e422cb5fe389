"""Contrast with a memory of clusters: each image is drawn to its own cluster and pushed off all others."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from dien_lightning.checks import check_bool, check_range
from dien_lightning.losses.precision import in_full_precision


def mean_similarity(embedding: Tensor, entries: Tensor, classes: Tensor, sizes: Tensor) -> Tensor:
    """Mean cosine of each embedding to the entries of each class: (B, D) -> (B, C).

    Args:
        embedding: (B, D), L2-normalised.
        entries: (M, D), L2-normalised.
        classes: (M,) the class of each entry.
        sizes: (C,) how many entries each class has.

    Example:
        >>> entries = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> mean_similarity(torch.tensor([[1.0, 0.0]]), entries, torch.tensor([0, 0, 1]), torch.tensor([2, 1]))
        tensor([[0.5000, 0.0000]])
    """
    similarity = embedding @ entries.T  # (B, M)
    return similarity.new_zeros(len(embedding), len(sizes)).index_add(1, classes, similarity) / sizes


def moved_entries(entries: Tensor, embedding: Tensor, rows: Tensor, momentum: float, hard: bool = False) -> Tensor:
    """A memory's entries, (M, D), after a batch has moved its own, image after image.

    For each image in turn: entry <- momentum entry + (1 - momentum) embedding, of unit length again.

    Args:
        entries: (M, D), L2-normalised.
        embedding: (B, D), L2-normalised.
        rows: (B,) whose entry each image moves.
        momentum: what stays of an entry.
        hard: an entry is moved by the one image that is least similar to it.

    Example:
        >>> moved_entries(torch.eye(2), torch.tensor([[0.6, 0.8]]), torch.tensor([1]), momentum=0.0)
        tensor([[1.0000, 0.0000],
                [0.6000, 0.8000]])
    """
    order = torch.arange(len(rows), device=rows.device)
    if hard:
        order = (embedding * entries.index_select(0, rows)).sum(1).argsort(stable=True)
    order = order[rows[order].argsort(stable=True)]
    sizes = torch.unique_consecutive(rows[order], return_counts=True)[1]
    turn = torch.arange(len(rows), device=rows.device) - (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
    entries = entries.clone()
    for number in range(1 if hard else int(sizes.max())):
        here = order[turn == number]
        moved = momentum * entries.index_select(0, rows[here]) + (1 - momentum) * embedding[here]
        entries[rows[here]] = normalize(moved, dim=1)
    return entries


def summed(embedding: Tensor, classes: Tensor) -> Tensor:  # (N, D), (N,) -> (C, D)
    """The sum of each class's embeddings, which is their mean to a memory: it normalises what fills it."""
    return embedding.new_zeros(int(classes.max()) + 1, embedding.shape[1]).index_add(0, classes, embedding)


def check_rows(rows: Tensor, number: int) -> None:
    """Raise a ValueError unless each of `rows` is one of a memory's `number` entries; on the CPU alone.

    A GPU would have to be waited for: there, reading an entry that is none stops the process.
    """
    if rows.device.type != "cpu" or not len(rows):
        return
    for row in (int(rows.min()), int(rows.max())):
        if not 0 <= row < number:
            raise ValueError(f"row {row} is none of the memory's {number} entries; leave out images that have none.")


class ClusterTerms(NamedTuple):
    """The loss and the share of images whose own class is the most similar, in [0, 1]; scalars."""

    total: Tensor
    accuracy: Tensor


class ClusterMemoryLoss(nn.Module):
    """Cross-entropy of an image's similarity to all classes of a memory, which follows the network step by step.

    Cluster Contrast (Dai et al., 2022) keeps one entry for each cluster. SpCL (Ge et al., 2020) keeps one for each
    class of the source and one for each image of the target; a class's similarity is then the mean over its entries,
    and an outlier is a class of its own. `fill` says which it is. Inputs are L2-normalised here.

    Args:
        temperature: that cosines are divided by, above 0.
        momentum: what stays of an entry when an image moves it, in [0, 1); SpCL takes 0.2.
        hard: an entry is moved by the least similar of its images in the batch alone.

    Shape:
        embedding (B, D), rows (B,): which entry is each image's -> scalar.

    Raises:
        ValueError: an argument out of its range, entries and classes that do not fit, or none yet; an image without an
            entry, such as an outlier's -1 (a GPU stops the process instead).

    Example:
        >>> loss = ClusterMemoryLoss(temperature=1.0)
        >>> loss.fill(torch.eye(2))
        >>> loss(torch.tensor([[2.0, 0.0]]), torch.tensor([0]))  # -log(e / (e + 1))
        tensor(0.3133)
        >>> loss.update(torch.tensor([[0.0, 3.0]]), torch.tensor([0]))
        >>> loss.entries[0]  # a tenth of what it was
        tensor([0.1104, 0.9939])
    """

    entries: Tensor
    classes: Tensor
    sizes: Tensor

    def __init__(self, temperature: float = 0.05, momentum: float = 0.1, hard: bool = False) -> None:
        super().__init__()
        check_range("temperature", temperature, 0, include_low=False)
        check_range("momentum", momentum, 0, 1)
        check_bool("hard", hard)
        self.temperature = temperature
        self.momentum = momentum
        self.hard = hard
        for name, empty in (("entries", torch.zeros(0, 0)), ("classes", torch.zeros(0)), ("sizes", torch.zeros(0))):
            self.register_buffer(name, empty, persistent=False)  # each round has others: no part of the weights

    @torch.no_grad()
    @in_full_precision
    def fill(self, entries: Tensor, classes: Tensor | None = None) -> None:
        """Put these entries in the place of all there were.

        Args:
            entries: (M, D), such as the means of clusters; L2-normalised here.
            classes: (M,) from 0 on, none left out; None makes each entry a class.
        """
        classes = torch.arange(len(entries), device=entries.device) if classes is None else classes
        if entries.ndim != 2 or not len(entries) or classes.shape != entries.shape[:1]:
            raise ValueError(
                f"entries of shape {tuple(entries.shape)} and classes of shape {tuple(classes.shape)} make no memory; "
                f"give (M, D), M above 0, and (M,)."
            )
        sizes = torch.bincount(classes)
        if not bool(sizes.all()):
            raise ValueError(f"class {int(sizes.argmin())} of {len(sizes)} has no entry; number them without gaps.")
        self.entries, self.classes, self.sizes = normalize(entries, dim=1), classes, sizes

    def restore(self, entries: Tensor, classes: Tensor) -> None:
        """Put back, to the bit, `entries` and `classes` as they were."""
        self.entries, self.classes, self.sizes = entries, classes, torch.bincount(classes)

    def forward(self, embedding: Tensor, rows: Tensor) -> Tensor:
        return self.terms(embedding, rows).total

    @in_full_precision
    def terms(self, embedding: Tensor, rows: Tensor) -> ClusterTerms:
        """The loss and how often it is right; shapes as in `forward`."""
        if not len(self.entries):
            raise ValueError("the memory is empty; fill it with the means of the clusters first.")
        check_rows(rows, len(self.entries))
        logits = mean_similarity(normalize(embedding, dim=1), self.entries, self.classes, self.sizes) / self.temperature
        own = self.classes.index_select(0, rows)
        return ClusterTerms(cross_entropy(logits, own), (logits.detach().argmax(1) == own).float().mean())

    @torch.no_grad()
    @in_full_precision
    def update(self, embedding: Tensor, rows: Tensor) -> None:
        """Let a batch move its entries, once its loss is taken; shapes as in `forward`."""
        check_rows(rows, len(self.entries))
        self.entries = moved_entries(self.entries, normalize(embedding, dim=1), rows, self.momentum, self.hard)
