"""The domain classifier (DC) behind a gradient reversal: the network learns what it cannot tell apart."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from dien_lightning.checks import check_choice, check_int, check_range
from dien_lightning.losses.precision import in_full_precision


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor, coefficient: float) -> Tensor:
        ctx.coefficient = coefficient
        return tensor.view_as(tensor)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.coefficient * gradient, None


def gradient_reversal(x: Tensor, coefficient: float = 1.0) -> Tensor:
    """`x` itself on the way forward; on the way back its gradient times -coefficient (Ganin & Lempitsky, 2015).

    Args:
        x: any tensor.
        coefficient: strength of the reversal.

    Example:
        >>> x = torch.tensor([1.0, -2.0], requires_grad=True)
        >>> (gradient_reversal(x, 0.5) ** 2).sum().backward()
        >>> x.grad  # -0.5 * 2x
        tensor([-1.,  2.])
    """
    return _Reverse.apply(x, coefficient)


def dann_ramp(progress: float) -> float:
    """Reversal strength 2 / (1 + exp(-10 p)) - 1, from 0 to nearly 1 (Ganin et al., 2016).

    Args:
        progress: share of the training done, in [0, 1].

    Example:
        >>> dann_ramp(0.0), round(dann_ramp(1.0), 4)
        (0.0, 0.9999)
    """
    return 2 / (1 + math.exp(-10 * progress)) - 1


class DomainTerms(NamedTuple):
    """The domain classifier's loss and how often it is right, in [0, 1]; 0.5 means it cannot tell."""

    total: Tensor
    accuracy: Tensor


class DomainAdversarialLoss(nn.Module):
    """Binary cross-entropy of a domain classifier behind a gradient reversal (Pu et al., 2019, eq. 3 and 4).

    Target is 1, source is 0. The classifier's layers are left open by the paper: linear D -> D/4, ReLU, linear
    -> 1, and dropout between them if asked.

    Args:
        embedding_dim: D.
        hidden_dim: width of the hidden layer; None means D / 4.
        dropout: share of hidden entries dropped, in [0, 1).
        reversal: coefficient of the reversed gradient, >= 0.
        schedule: "constant" (eq. 4), or "dann" to ramp the coefficient up from 0.

    Shape:
        source (N, D), target (M, D) -> scalar.

    Raises:
        ValueError: an argument out of its range.

    Example:
        >>> DomainAdversarialLoss(embedding_dim=8)(torch.randn(4, 8), torch.randn(6, 8)).shape
        torch.Size([])
    """

    def __init__(
        self,
        embedding_dim: int = 2048,
        hidden_dim: int | None = None,
        dropout: float = 0.0,
        reversal: float = 1.0,
        schedule: Literal["constant", "dann"] = "constant",
    ) -> None:
        super().__init__()
        check_range("dropout", dropout, 0, 1)
        check_range("reversal", reversal, 0)
        check_choice("schedule", schedule, ("constant", "dann"))
        check_int("embedding_dim", embedding_dim, 1, "it is the width of the network's embedding")
        hidden_dim = max(1, embedding_dim // 4) if hidden_dim is None else hidden_dim
        check_int("hidden_dim", hidden_dim, 1, "None (null) is a quarter of embedding_dim")
        self.reversal = reversal
        self.schedule = schedule
        self.classifier = nn.Sequential(
            nn.Linear(embedding_dim, hidden_dim), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(hidden_dim, 1)
        )

    def forward(self, source: Tensor, target: Tensor, progress: float = 1.0) -> Tensor:
        return self.terms(source, target, progress).total

    @in_full_precision
    def terms(self, source: Tensor, target: Tensor, progress: float = 1.0) -> DomainTerms:
        """The loss and the classifier's accuracy; `progress` in [0, 1] moves the DANN ramp."""
        coefficient = self.reversal * (dann_ramp(progress) if self.schedule == "dann" else 1.0)
        images = gradient_reversal(torch.cat([source, target]), coefficient)  # (N + M, D)
        logits = self.classifier(images).squeeze(1)
        is_target = torch.cat([logits.new_zeros(len(source)), logits.new_ones(len(target))])
        accuracy = ((logits.detach() > 0) == is_target.bool()).float().mean()
        return DomainTerms(binary_cross_entropy_with_logits(logits, is_target), accuracy)
