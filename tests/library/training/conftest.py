"""What the tests of a training share: the drawn pair as small batches, and silence about Lightning's advice."""

from __future__ import annotations

import warnings

import pytest

from library.data.folders import make


@pytest.fixture
def data(drawn_pair):
    pair = {"source": "pedestrians_day", "target": "pedestrians_night"}
    return make(drawn_pair, **pair, num_ids=3, steps_per_epoch=1, image_size=(64, 32))


@pytest.fixture(autouse=True)
def without_lightnings_advice():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The .* does not have many workers")
        yield
