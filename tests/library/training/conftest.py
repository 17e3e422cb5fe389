"""What the tests of a training share: the drawn pair as small batches, and silence about Lightning's advice."""

from __future__ import annotations

import warnings

import pytest

from dien_lightning import DomainPairDataModule


@pytest.fixture
def data(drawn_pair):
    return DomainPairDataModule(
        str(drawn_pair),
        "pedestrians_day",
        "pedestrians_night",
        num_ids=3,
        num_instances=2,
        target_batch_size=6,
        steps_per_epoch=1,
        image_size=(64, 32),
        num_workers=0,
    )


@pytest.fixture(autouse=True)
def without_lightnings_advice():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The .* does not have many workers")
        yield
