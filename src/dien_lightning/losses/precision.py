"""Losses in float32, whatever autocast or the embeddings' type says."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from itertools import chain
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")


def in_full_precision(loss: Callable[P, R]) -> Callable[P, R]:
    """Make a loss switch autocast off and widen bfloat16 and float16 arguments to float32; float64 stays.

    Sums of many terms and distances near zero need float32's digits.

    Args:
        loss: a function or method with at least one tensor among its arguments.

    Example:
        >>> mean = in_full_precision(torch.mean)
        >>> mean(torch.ones(2, dtype=torch.bfloat16))
        tensor(1.)
    """

    @wraps(loss)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        device = next(value.device.type for value in chain(args, kwargs.values()) if isinstance(value, Tensor))
        with torch.autocast(device, enabled=False):
            return loss(*map(_widen, args), **{name: _widen(value) for name, value in kwargs.items()})

    return run


def _widen(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16) else value
