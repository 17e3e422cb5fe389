"""What a step draws follows from the seed and the step, wherever the run began."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from dien_lightning.training import SeedEachStep


def draw(seed, step, batch=0, accumulate=1):
    trainer = SimpleNamespace(global_step=step, accumulate_grad_batches=accumulate)
    SeedEachStep(seed).on_train_batch_start(trainer, None, None, batch)
    return torch.rand(3).tolist()


def test_a_step_draws_the_same_again():
    torch.rand(17)
    assert draw(1, 5) == draw(1, 5)


def test_steps_and_seeds_differ():
    draws = {tuple(draw(seed, step)) for seed in range(5) for step in range(20)}
    assert len(draws) == 100


def test_batches_that_make_one_step_draw_apart():
    first, second = (draw(1, 5, batch, accumulate=2) for batch in (10, 11))
    assert first != second
    assert first == draw(1, 5, 12, accumulate=2)  # the first of its step, wherever the epoch stands
    assert first == draw(1, 5)


def test_a_negative_seed_is_named():
    with pytest.raises(ValueError, match=r"seed=-1 must be a whole number of at least 0"):
        SeedEachStep(-1)
