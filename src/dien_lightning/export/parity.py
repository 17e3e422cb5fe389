"""Whether an exported file computes what the network computes: asked before the file is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

LEAST_COSINE = 0.9999


class Parity(NamedTuple):
    """How near two networks' embeddings are.

    Attributes:
        cosine: the smallest between the two embeddings of an image.
        difference: the largest of any number of theirs.
        shapes: of the batches that were compared.
    """

    cosine: float
    difference: float
    shapes: tuple[tuple[int, ...], ...]

    def __str__(self) -> str:
        shapes = ", ".join(" x ".join(map(str, shape)) for shape in self.shapes)
        return f"cosine {self.cosine:.7f} at the least, difference {self.difference:.1e} at the most, for {shapes}"


def check_parity(
    network: nn.Module,
    exported: Callable[[np.ndarray], np.ndarray],
    shapes: Sequence[tuple[int, ...]],
    *,
    largest: float = 1.0,
) -> Parity:
    """Compare on drawn images.

    Args:
        network: images (B, 3, H, W) to embeddings (B, D).
        exported: the same of arrays.
        shapes: of the batches; they should differ from the example that was exported with.
        largest: images are drawn from 0 to this value.

    Raises:
        ValueError: a shape that the exported network refuses, or an embedding with a cosine of 0.9999 or less.

    Example:
        >>> network = torch.nn.Flatten()
        >>> check_parity(network, lambda images: 2 * images.reshape(len(images), -1), [(1, 3, 2, 2)]).cosine > 0.9999
        True
    """
    generator = torch.Generator().manual_seed(0)
    cosines, differences = [], []
    for shape in shapes:
        images = largest * torch.rand(shape, generator=generator)
        with torch.no_grad():
            expected: Tensor = network(images)
        try:
            found = torch.from_numpy(np.asarray(exported(images.numpy())))
        except Exception as error:  # whatever a runtime raises, the file is not kept
            raise ValueError(f"the exported network refuses images of shape {shape} ({str(error)[:200]}).") from error
        if found.shape != expected.shape:
            raise ValueError(f"the exported network gives {tuple(found.shape)} for {tuple(expected.shape)}.")
        cosines.append(float(cosine_similarity(expected.double(), found.double(), dim=1).min()))
        differences.append(float((expected - found).abs().max()))
    parity = Parity(float(np.min(cosines)), float(np.max(differences)), tuple(shapes))  # NaN where one batch has it
    if not parity.cosine > LEAST_COSINE:  # NaN is not either
        raise ValueError(f"the exported network computes something else ({parity}); no file was kept.")
    return parity
