"""Which settings make two runs differ, older records among them."""

from __future__ import annotations

import pytest

from dien_lightning.experiments.settings import difference


@pytest.mark.parametrize(
    ("had", "asked", "words"),
    [
        ({"eval_batch_size": 128}, {"eval_batch_size": 8, "gather_batch_size": 128}, ""),
        (
            {"eval_batch_size": 64},
            {"eval_batch_size": 64, "gather_batch_size": 128},
            "data.gather_batch_size=64 (not 128)",
        ),
        (
            {"eval_batch_size": 128, "gather_batch_size": 128},
            {"eval_batch_size": 128, "gather_batch_size": 64},
            "data.gather_batch_size=128 (not 64)",
        ),
    ],
)
def test_the_batches_of_the_control_are_compared_and_older_records_took_those_of_evaluation(had, asked, words):
    assert difference({"data": had}, {"data": asked}) == words
