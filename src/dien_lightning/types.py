"""What travels between the rooms: one image on its way in, one batch of embeddings on its way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

LabelsLike = Tensor | np.ndarray | Sequence[int]

UNLABELED = -1
"""The pid of an image whose identity nobody gave: every target training image."""

_TOO_LARGE = "holds numbers of 2**63 or more, or below -2**63; number identities and cameras from 0."


class Sample(NamedTuple):
    """One image, or a batch of them after collation.

    Attributes:
        image: float tensor (3, H, W), normalised; a batch is (B, 3, H, W).
        pid: identity; in training 0..num_classes-1, `UNLABELED` where nobody gave one.
        camid: camera number.
        index: position in the data set's split; evaluation removes doubles by it.
        is_query: True for a query image, False for gallery and training images.
        clothes: number of what the person wears, over all people; `UNLABELED` where nobody knows.
        tracklet: number of the sequence it is a frame of; `UNLABELED` where it stands alone.
    """

    image: Tensor | Any
    pid: Tensor | int
    camid: Tensor | int
    index: Tensor | int  # type: ignore[assignment]  # the field's name, and a tuple's method nobody needs here
    is_query: Tensor | bool
    clothes: Tensor | int = UNLABELED
    tracklet: Tensor | int = UNLABELED


class NetworkOutput(NamedTuple):
    """What `DIEN` returns for a batch of B images.

    Attributes:
        embedding: (B, D), the fused domain-invariant embedding, not normalised.
        steps: (B, T+1, D), the embedding of every pass t = 0..T.
        masks: one `AttentionMask` per pass 1..T, for pictures.
    """

    embedding: Tensor
    steps: Tensor
    masks: tuple[AttentionMask, ...]


class AttentionMask(NamedTuple):
    """The two factors of one pass's mask; their Kronecker product times the scale is the mask.

    Attributes:
        spatial: (B, 1, h, w), in [0, 1].
        channel: (B, C, 1, 1), in [0, 1].
    """

    spatial: Tensor
    channel: Tensor


def check_embeddings(name: str, value: Any, smallest_width: int = 1) -> None:
    """Raise a ValueError unless `value` is a tensor of embeddings, one row for each image.

    Example:
        >>> check_embeddings("query", [[0.6, 0.8]])
        Traceback (most recent call last):
        ...
        ValueError: query must be a floating-point tensor of shape (images, width), not a list; torch.as_tensor makes a
        tensor of an array.
    """
    if not isinstance(value, Tensor):
        found = f"a {type(value).__name__}; torch.as_tensor makes a tensor of an array"
    elif value.ndim != 2 or value.shape[1] < smallest_width or not value.is_floating_point():
        found = f"{value.dtype} of shape {tuple(value.shape)}"
    else:
        return
    raise ValueError(f"{name} must be a floating-point tensor of shape (images, width), not {found}.")


def whole_numbers(name: str, value: LabelsLike, number: int) -> Tensor:  # (N,)
    """Labels of so many images as int64 where they are; a GPU waits for floating-point ones and uint64 alone.

    Example:
        >>> whole_numbers("pids", [7.0, 9.0], 2)
        tensor([7, 9])

    Raises:
        ValueError: they are no whole numbers, too large, or not as many as images.
    """
    tensor = label_tensor(name, value)
    numbers = tensor.to(torch.int64)
    if tensor.dtype == torch.uint64 and bool((numbers < 0).any()):
        raise ValueError(f"{name} {_TOO_LARGE}")
    if tensor.is_floating_point() and not torch.equal(numbers.to(tensor.dtype), tensor):  # NaN is never equal
        raise ValueError(f"{name} holds numbers that are not whole; identities and cameras are.")
    if numbers.shape != (number,):
        raise ValueError(
            f"{name} has shape {tuple(numbers.shape)}, and there are {number} embeddings; give one for each image."
        )
    return numbers


def label_tensor(name: str, value: Any) -> Tensor:
    """Labels as a tensor of any type, from arrays and lists, too.

    Raises:
        ValueError: they are no numbers, or too large.
    """
    try:
        return torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        if "Overflow" in str(error):
            raise ValueError(f"{name} {_TOO_LARGE}") from None
        raise ValueError(f"{name} cannot be read as numbers: {error}; give one for each image.") from None


def with_outliers_alone(labels: Tensor) -> Tensor:  # (N,) -> (N,)
    """Images' clusters, where each outlier (`UNLABELED`) becomes a cluster of its own, after the others.

    Example:
        >>> import torch
        >>> with_outliers_alone(torch.tensor([0, -1, 1, -1]))
        tensor([0, 2, 1, 3])
    """
    is_outlier = labels == UNLABELED
    return labels.where(~is_outlier, labels.max() + is_outlier.cumsum(0))
