"""How near embeddings lie to their neighbours: a score for unlabelled images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

_ROWS = 1024


@torch.no_grad()
def soft_neighborhood_density(embedding: Tensor, temperature: float = 0.05) -> Tensor:  # (N, D) -> ()
    """Mean entropy of the images' soft neighbourhoods (Saito et al., 2021), higher is better.

    Each image spreads a weight of 1 over all others by softmax(cosine / temperature). The entropy is high where many
    others are about equally near, as when the images of one person have come together, and low where one is nearest by
    chance. Saito et al. take class probabilities for embeddings; in re-identification the target has other classes than
    the source, so the embeddings themselves serve. Collapsed embeddings reach the maximum, log(N - 1): look at
    `train/embedding_spread` beside it.

    Args:
        embedding: one row per image; lengths do not matter.
        temperature: in (0, inf); smaller looks at nearer neighbours alone.

    Returns:
        Nats, in [0, log(N - 1)].

    Raises:
        ValueError: fewer than two images, or a temperature that is not positive.

    Example:
        >>> two_pairs = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        >>> soft_neighborhood_density(two_pairs) < soft_neighborhood_density(torch.ones(4, 2))
        tensor(True)
    """
    if len(embedding) < 2:
        raise ValueError(f"soft_neighborhood_density needs two images at least, and was given {len(embedding)}.")
    if temperature <= 0:
        raise ValueError(f"temperature={temperature} must be more than 0.")
    wide = embedding if embedding.dtype == torch.float64 else embedding.float()
    unit = normalize(wide, dim=1)
    entropies = []
    for start in range(0, len(unit), _ROWS):
        logits = unit[start : start + _ROWS] @ unit.T / temperature  # (R, N)
        rows = torch.arange(len(logits), device=unit.device)
        logits[rows, start + rows] = -torch.inf  # nobody is their own neighbour
        weights = logits.softmax(dim=1)
        entropies.append(-torch.xlogy(weights, weights).sum(dim=1))
    return torch.cat(entropies).mean()
