"""Activation checkpointing: the same losses, gradients and running statistics, and fewer maps kept."""

from __future__ import annotations

import pytest
import torch

from library.network.networks import images, small


def train_once(network, dtype=None):
    """Losses, gradients and buffers after one backward pass of both domains, and the numbers kept for it."""
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            outputs = [network(images(seed=seed), domain) for seed, domain in enumerate(("source", "target"))]
        loss = sum(output.embedding.square().mean() + output.steps.std() for output in outputs)
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    return {"loss": loss.detach(), "gradients": gradients, "buffers": dict(network.named_buffers())}, sum(kept.values())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention_update": "accumulate"},
        {"attention_loops": 0},
        {"batch_norm_size": 2, "pooling": "generalized_mean"},
        {"dtype": torch.bfloat16, "statistics": "joint"},
    ],
)
def test_the_same_bits_from_fewer_maps(changes):
    changes = {"moved": bool(changes.get("attention_loops", 2)), **changes}
    dtype = changes.pop("dtype", None)
    expected, all_maps = train_once(small(**changes), dtype)
    network = small(**changes, checkpoint_passes=True)
    found, maps = train_once(network, dtype)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert maps < all_maps
    assert not network.condition.recomputing


def test_it_is_no_part_of_what_is_deployed():
    assert small(checkpoint_passes=True).hyperparameters == small().hyperparameters
    with pytest.raises(ValueError, match="checkpoint_passes='yes' must be"):
        small(checkpoint_passes="yes")
