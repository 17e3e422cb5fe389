"""AdaBN (Li et al., 2016): batch-norm statistics taken anew from unlabelled images, the control every table carries."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from dien_lightning.network.normalization import Domain, normalizations
from dien_lightning.processes import Processes


@torch.no_grad()
def gather_statistics(network: nn.Module, batches: Any, domain: Domain, missing: bool = False) -> None:
    """Replace `domain`'s batch-norm statistics by the equal mean over `batches`; no weight changes.

    Which images lie in a batch together changes them, so each of several processes gives all batches: they get what one
    process gets, to the bit. Shuffle the images: a variance is the mean of the batches' own, so what differs from one
    batch to the next, as cameras do in files' order, is not in it.

    Args:
        network: called with images and a domain.
        batches: an iterable of image batches (B, 3, H, W); a batch of one image has no variance and is left out.
        domain: whose statistics.
        missing: only those of layers that have none of the domain, as one that is new in a trained network; the others
            normalise by what they have.

    Raises:
        ValueError: no batches of two images or more; the statistics stay as they were.
    """
    gathering = copy.deepcopy(network).train()  # whatever stops it leaves the network as it was
    layers = normalizations(gathering)
    for layer in layers:
        if missing and layer.gathered(domain):
            layer.eval()
            continue
        layer.forget(domain)
        layer.momentum, layer.synchronize = None, False
    for images in batches:
        if len(images) > 1:
            gathering(images, domain)
    if not all(layer.gathered(domain) for layer in layers):
        raise ValueError(f"no batches of {domain} images to gather batch-norm statistics from; give at least one.")
    for own, layer in zip(normalizations(network), layers, strict=True):
        for statistics, gathered in zip(own.buffers(), layer.buffers(), strict=True):
            statistics.copy_(Processes().share(gathered, sender=0))  # devices round differently
