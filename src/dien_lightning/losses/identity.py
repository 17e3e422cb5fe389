"""The identity classifier (IC): dropout, one linear layer, cross-entropy on the labelled source."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dien_lightning.checks import check_int, check_range
from dien_lightning.losses.precision import in_full_precision


class IdentityLoss(nn.Module):
    """Softmax cross-entropy over the source identities (Pu et al., 2019, eq. 1; the text says standard cross-entropy).

    Args:
        num_classes: identities in the source's training set.
        embedding_dim: D.
        dropout: share of embedding entries dropped, in [0, 1).

    Shape:
        embedding (B, D), pids (B,) in 0..num_classes-1 -> scalar.

    Raises:
        ValueError: fewer than 2 classes, or dropout outside [0, 1).

    Example:
        >>> import torch
        >>> loss = IdentityLoss(num_classes=10, embedding_dim=4)
        >>> loss(torch.randn(6, 4), torch.tensor([0, 0, 1, 1, 2, 2])).shape
        torch.Size([])
    """

    def __init__(self, num_classes: int, embedding_dim: int = 2048, dropout: float = 0.5) -> None:
        super().__init__()
        check_int("num_classes", num_classes, 2, "a classifier needs two source identities to tell apart")
        check_int("embedding_dim", embedding_dim, 1, "it is the width of the network's embedding")
        check_range("dropout", dropout, 0, 1)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(embedding_dim, num_classes)

    @in_full_precision
    def forward(self, embedding: Tensor, pids: Tensor) -> Tensor:
        return cross_entropy(self.classifier(self.dropout(embedding)), pids)
