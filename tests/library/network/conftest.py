"""What several files of tests of the network share."""

from __future__ import annotations

import pytest
import torch
import torchvision

from library.network.networks import images, small


@pytest.fixture(scope="module")
def moved():
    """T = 2, masks away from 1 and statistics of both domains gathered; never changed by a test."""
    network = small(2, moved=True)
    network.gather_statistics([images(6, seed=1)], "source")
    network.gather_statistics([2 * images(6, seed=2) - 1], "target")
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def resnet18():
    """torchvision's, as if trained."""
    torch.manual_seed(0)
    network = torchvision.models.resnet18(weights=None)
    for name, buffer in network.named_buffers():  # statistics that differ from a new layer's
        if name.endswith("running_mean"):
            buffer.normal_(std=0.1)
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    return network.eval()
