"""SPGAN's losses: least squares for real or translated, cycle, identity, and the similarity that is preserved."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.checks import check_range
from dien_lightning.distance import pairwise_euclidean


class Pair(NamedTuple):
    """One image batch, embedding or score of each domain."""

    source: Tensor
    target: Tensor


def least_squares(scores: Tensor, value: float) -> Tensor:
    """Mean squared distance of a discriminator's scores from what they should be (Mao et al., 2017).

    Example:
        >>> least_squares(torch.tensor([1.0, 3.0]), 1.0)
        tensor(2.)
    """
    return (scores - value).square().mean()


def discriminator_loss(real: Tensor, translated: Tensor) -> Tensor:
    """A discriminator's: 1 for real images, 0 for translated ones, half of the sum.

    Example:
        >>> discriminator_loss(real=torch.tensor([1.0, 0.0]), translated=torch.tensor([0.0, 2.0]))  # (0.5 + 2) / 2
        tensor(1.2500)
    """
    return (least_squares(real, 1.0) + least_squares(translated, 0.0)) / 2


def reconstruction(found: Tensor, images: Tensor) -> Tensor:
    """Mean absolute difference of images in [-1, 1]: of there and back (cycle), or of what had that look (identity).

    Example:
        >>> reconstruction(torch.tensor([1.0, -1.0]), torch.tensor([0.0, 1.0]))
        tensor(1.5000)
    """
    return (found - images).abs().mean()


def contrastive(first: Tensor, second: Tensor, margin: float, *, is_alike: bool) -> Tensor:
    """The contrastive loss of two batches of embeddings (Hadsell et al., 2006).

    Alike are rows of the same number: the mean of d^2. Unlike is every row to every row: the mean of
    max(0, margin - d)^2.

    Args:
        first: embeddings.
        second: embeddings, of as many images where they are alike.
        margin: m, the distance from which on unlike images are far enough apart.
        is_alike: which of the two.

    Shape:
        (B, D), (B, D) -> ().

    Example:
        >>> a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]])
        >>> contrastive(a, b, 2.0, is_alike=True), contrastive(a, a, 2.0, is_alike=False)
        (tensor(4.), tensor(4.))
    """
    if is_alike:
        return (first - second).square().sum(dim=1).mean()
    return (margin - pairwise_euclidean(first, second)).clamp(min=0).square().mean()


def similarity_preserving(real: Pair, translated: Pair, margin: float) -> Tensor:
    """A translated image is like its original and unlike the images of the domain that it was translated into.

    Args:
        real: embeddings of source and target images, of unit length.
        translated: of the same images' translations: of the source's (which look like the target) in `source`.
        margin: m, in [0, 2]: 2 is the most that unit vectors are apart.

    Returns:
        The mean over the four kinds of pairs: two alike, two unlike.
    """
    kinds = (
        contrastive(real.source, translated.source, margin, is_alike=True),
        contrastive(real.target, translated.target, margin, is_alike=True),
        contrastive(real.target, translated.source, margin, is_alike=False),
        contrastive(real.source, translated.target, margin, is_alike=False),
    )
    return torch.stack(kinds).mean()


class GeneratorLoss(NamedTuple):
    """The sum that the generators minimise, and its terms, not weighted and detached.

    Attributes:
        total: what the optimiser sees.
        terms: "gan", "cycle", "identity", "similarity", as far as they are on.
    """

    total: Tensor
    terms: dict[str, Tensor]


class SPGANLoss:
    """L_gan + lambda1 L_cycle + lambda2 L_identity + lambda3 L_similarity (Deng et al., 2018).

    The paper fixes the least-squares loss, lambda1 = 10, lambda2 = 5, lambda3 = 2 and the margin m = 2 on embeddings of
    unit length, where no two are further apart: unlike pairs are always pushed. It takes one image of each domain a
    step, so that the pairs are given; with several, an unlike pair may be any two of a batch, and ours are all.
    The authors' code compares real source and target images as unlike, and not the translated ones that the text
    names; we follow the text.

    Args:
        margin: m, in [0, 2].
        cycle_weight: lambda1.
        identity_weight: lambda2; 0 leaves the term out.
        similarity_weight: lambda3; 0 leaves the term out: CycleGAN.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> loss, still = SPGANLoss(similarity_weight=0), Pair(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4))
        >>> scores = Pair(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
        >>> loss(scores, images=still, restored=still, kept=still).total
        tensor(0.)
    """

    def __init__(
        self,
        *,
        margin: float = 2.0,
        cycle_weight: float = 10.0,
        identity_weight: float = 5.0,
        similarity_weight: float = 2.0,
    ) -> None:
        check_range("margin", margin, 0, 2, include_high=True)
        check_range("cycle_weight", cycle_weight, 0, include_low=False)
        check_range("identity_weight", identity_weight, 0)
        check_range("similarity_weight", similarity_weight, 0)
        self.margin = margin
        weights = {"gan": 1.0, "cycle": cycle_weight, "identity": identity_weight, "similarity": similarity_weight}
        self.weights = {name: weight for name, weight in weights.items() if weight}

    def __call__(
        self,
        scores: Pair,
        *,
        images: Pair,
        restored: Pair,
        kept: Pair | None = None,
        real: Pair | None = None,
        translated: Pair | None = None,
    ) -> GeneratorLoss:
        """Weigh and add up the terms.

        Args:
            scores: by the other domain's discriminator, of what each domain's images were translated to.
            images: what came in, in [-1, 1].
            restored: the same, translated there and back.
            kept: the same, through the generator that gives their own domain's look; for the identity term.
            real: the images' embeddings, for the similarity-preserving term.
            translated: their translations' embeddings.
        """
        terms = {"gan": torch.stack([least_squares(each, 1.0) for each in scores]).sum()}
        terms["cycle"] = torch.stack(list(map(reconstruction, restored, images))).sum()
        if kept is not None:
            terms["identity"] = torch.stack(list(map(reconstruction, kept, images))).sum()
        if real is not None and translated is not None:
            terms["similarity"] = similarity_preserving(real, translated, self.margin)
        total = torch.stack([self.weights[name] * value for name, value in terms.items()]).sum()
        return GeneratorLoss(total, {name: value.detach() for name, value in terms.items()})
