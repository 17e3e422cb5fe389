"""What several files of tests of the network share."""

from __future__ import annotations

import pytest

from library.network.networks import images, small


@pytest.fixture(scope="module")
def moved():
    """T = 2, masks away from 1 and statistics of both domains gathered; never changed by a test."""
    network = small(2, moved=True)
    network.gather_statistics([images(6, seed=1)], "source")
    network.gather_statistics([2 * images(6, seed=2) - 1], "target")
    return network.eval().requires_grad_(False)
