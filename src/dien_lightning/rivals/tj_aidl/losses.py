"""What TJ-AIDL minimises: attributes, identities, and a code of the identity branch that must agree with both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from dien_lightning.checks import check_int, check_range
from dien_lightning.losses.identity import IdentityLoss
from dien_lightning.losses.objective import ObjectiveOutput, embedding_spread
from dien_lightning.losses.precision import in_full_precision


def attribute_loss(logits: Tensor, attributes: Tensor) -> Tensor:  # (B, m), (B, m) -> ()
    """Sigmoid cross-entropy: each attribute is a task of its own, their sum the loss of an image, the mean over images.

    Args:
        logits: of the m binary attributes.
        attributes: 0 or 1, or a probability where they are predictions themselves (soft attributes).

    Example:
        >>> attribute_loss(torch.zeros(2, 3), torch.ones(2, 3))  # three times ln 2
        tensor(2.0794)
    """
    return binary_cross_entropy_with_logits(logits, attributes, reduction="sum") / len(logits)


def transfer_loss(code: Tensor, predicted: Tensor) -> Tensor:  # (B, m), (B, m) -> ()
    """Squared Euclidean distance between two predictions of the same m attributes, the mean over images; in [0, m].

    Args:
        code: probabilities that the identity branch's code says.
        predicted: probabilities that the attribute branch says.

    Example:
        >>> transfer_loss(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.5, 1.0]]))
        tensor(0.2500)
    """
    return (code - predicted).square().sum(dim=1).mean()


class Coded(NamedTuple):
    """What the encoder-decoder makes of features.

    Attributes:
        logits: (B, m), of the attributes that the code says.
        reconstruction: (B, D), the features as they come back from the code.
    """

    logits: Tensor
    reconstruction: Tensor


class IdentityInferredAttributes(nn.Module):
    """The encoder-decoder between the branches (IIA): features of an identity in, m attributes as their code.

    Linear layers with ReLU between, the same widths back; the decoder sees the attributes' probabilities.

    Args:
        embedding_dim: D.
        num_attributes: m.
        hidden_dims: widths of the layers between D and m.

    Shape:
        features (B, D) -> Coded.

    Example:
        >>> coded = IdentityInferredAttributes(embedding_dim=8, num_attributes=3, hidden_dims=[4])(torch.randn(2, 8))
        >>> coded.logits.shape, coded.reconstruction.shape
        (torch.Size([2, 3]), torch.Size([2, 8]))
    """

    def __init__(self, embedding_dim: int, num_attributes: int, hidden_dims: Sequence[int] = (512, 128)) -> None:
        super().__init__()
        for width in hidden_dims:
            check_int("hidden_dims", width, 1, "it is the width of a layer")
        widths = [embedding_dim, *hidden_dims, num_attributes]
        self.encoder, self.decoder = _layers(widths), _layers(widths[::-1])

    def forward(self, features: Tensor) -> Coded:
        logits = self.encoder(features)
        return Coded(logits, self.decoder(logits.sigmoid()))


def _layers(widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width, following in pairwise(widths):
        layers += [nn.Linear(width, following), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


class TJAIDLObjective(nn.Module):
    """The heads and losses of TJ-AIDL (Wang et al., CVPR 2018), on labelled source and on unlabelled target images.

    On the source: L_identity + L_attribute + L_code + lambda1 L_reconstruction + lambda2 L_transfer. L_attribute is
    the attribute branch's, L_code that of the identity branch's code, and L_transfer draws the two predictions
    together. On the target nobody knows attributes: the attribute branch's predictions stand in for them in L_code
    (soft attributes), and L_identity and L_attribute are absent.

    The encoder-decoder learns from the identity branch's features and sends no gradient back into them, else these
    would shrink to be reconstructed easily; the paper leaves this open. Attributes are summed, so that each weighs as
    much as the choice of an identity; a mean over them would train the attribute branch at a fraction of the rate.
    Features are averaged, so that their number does not outweigh all else.

    Args:
        num_classes: identities in the source's training set.
        num_attributes: m.
        embedding_dim: D, of both branches.
        hidden_dims: of `IdentityInferredAttributes`.
        reconstruction_weight: lambda1.
        transfer_weight: lambda2.
        identity_dropout: before the identity classifier.

    Raises:
        ValueError: an argument out of its range.

    Example:
        >>> objective = TJAIDLObjective(num_classes=5, num_attributes=3, embedding_dim=8)
        >>> sorted(objective.adapt(torch.randn(4, 8), torch.randn(4, 8)).terms)
        ['code', 'reconstruction', 'transfer']
    """

    needs_target, domain = True, None

    def __init__(
        self,
        num_classes: int,
        num_attributes: int,
        embedding_dim: int = 2048,
        *,
        hidden_dims: Sequence[int] = (512, 128),
        reconstruction_weight: float = 10.0,
        transfer_weight: float = 10.0,
        identity_dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_int("num_attributes", num_attributes, 1, "it is the number of attributes of the source's people")
        check_range("reconstruction_weight", reconstruction_weight, 0)
        check_range("transfer_weight", transfer_weight, 0)
        self.embedding_dim = embedding_dim
        self.reconstruction_weight, self.transfer_weight = reconstruction_weight, transfer_weight
        self.identity = IdentityLoss(num_classes, embedding_dim, identity_dropout)
        self.attributes = nn.Linear(embedding_dim, num_attributes)
        self.inferred = IdentityInferredAttributes(embedding_dim, num_attributes, hidden_dims)

    @in_full_precision
    def forward(
        self, attribute_features: Tensor, identity_features: Tensor, pids: Tensor, attributes: Tensor
    ) -> ObjectiveOutput:
        """On source images.

        Args:
            attribute_features: (B, D), of the attribute branch.
            identity_features: (B, D), of the identity branch.
            pids: (B,), identities.
            attributes: (B, m), 0 or 1.
        """
        logits, coded = self.attributes(attribute_features), self.inferred(identity_features.detach())
        terms = {
            "identity": self.identity(identity_features, pids),
            "attribute": attribute_loss(logits, attributes),
            "code": attribute_loss(coded.logits, attributes),
        }
        health = {
            "embedding_spread": embedding_spread(attribute_features.detach()),
            "attribute_accuracy": _share_of_equal(logits, attributes),
            "code_accuracy": _share_of_equal(coded.logits, attributes),
        }
        return self._sum(terms, health, identity_features, coded, logits)

    @in_full_precision
    def adapt(self, attribute_features: Tensor, identity_features: Tensor) -> ObjectiveOutput:
        """On target images, of which nothing is known.

        Args:
            attribute_features: (B, D), of the attribute branch.
            identity_features: (B, D), of the identity branch, which learns nothing here.
        """
        logits, coded = self.attributes(attribute_features), self.inferred(identity_features.detach())
        soft = logits.detach().sigmoid()
        terms = {"code": attribute_loss(coded.logits, soft)}
        health = {
            "target_spread": embedding_spread(attribute_features.detach()),
            "target_agreement": _share_of_equal(coded.logits, soft > 0.5),
        }
        return self._sum(terms, health, identity_features, coded, logits)

    def _sum(
        self, terms: dict[str, Tensor], health: dict[str, Tensor], features: Tensor, coded: Coded, logits: Tensor
    ) -> ObjectiveOutput:
        terms["reconstruction"] = mse_loss(features.detach(), coded.reconstruction)
        terms["transfer"] = transfer_loss(coded.logits.sigmoid(), logits.sigmoid())
        weights = {"reconstruction": self.reconstruction_weight, "transfer": self.transfer_weight}
        total = torch.stack([weights.get(name, 1.0) * term for name, term in terms.items()]).sum()
        return ObjectiveOutput(total, {name: term.detach() for name, term in terms.items()}, health)


def _share_of_equal(logits: Tensor, attributes: Tensor) -> Tensor:
    return ((logits.detach() > 0) == attributes.bool()).float().mean()
