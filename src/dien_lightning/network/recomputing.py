"""Activation checkpointing: a pass's maps are computed once more on the way back, and not kept meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from dien_lightning.network.normalization import Condition

R = TypeVar("R")


def recomputed(run: Callable[..., R], condition: Condition, *inputs: Tensor | None) -> R:
    """run(*inputs), of which the backward pass keeps the inputs alone and computes the rest anew (Chen et al., 2016).

    Batch norm normalises the second time as it did the first, by the batch, and leaves its running statistics.

    Args:
        run: nothing in it may be random.
        condition: of its batch-norm layers, as it is now.
        *inputs: of `run`.
    """
    domain, step = condition.domain, condition.step

    @contextmanager
    def once_more() -> Iterator[None]:
        before = vars(condition).copy()
        condition.domain, condition.step, condition.recomputing = domain, step, True
        try:
            yield
        finally:
            vars(condition).update(before)

    contexts = lambda: (nullcontext(), once_more())  # noqa: E731  (torch asks for both at once)
    return checkpoint(run, *inputs, use_reentrant=False, preserve_rng_state=False, context_fn=contexts)
