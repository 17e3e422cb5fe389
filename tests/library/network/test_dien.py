"""DIEN: shapes, the start at pass 0, the passes written out, and statistics per domain and pass."""

from __future__ import annotations

import copy
import itertools
import math

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d, adaptive_max_pool2d

from library.network.networks import images, normalizations, small


def manual(network, batch, update="refocus"):
    """The passes written out, layer by layer."""
    stage = network.hyperparameters["attention_stage"]
    network.condition.domain, network.condition.step = "target", 0
    linear, norm, prelu = network.embedding

    def embed(features):
        for block in network.backbone.blocks[stage + 1 :]:
            features = block(features)
        both = [adaptive_avg_pool2d(features, 1).flatten(1), adaptive_max_pool2d(features, 1).flatten(1)]
        return prelu(norm(linear(torch.cat(both, dim=1))))

    first = batch
    for block in network.backbone.blocks[: stage + 1]:
        first = block(first)
    features, steps = first, [embed(first)]
    for step in range(1, network.attention_loops + 1):
        network.condition.step = step
        seed = steps[-1][:, :, None, None]
        spatial = torch.sigmoid(network.attention.spatial(seed))
        channel = torch.sigmoid(network.attention.channel(seed))
        features = (first if update == "refocus" else features) * spatial * channel * 4
        steps.append(embed(features))
    return steps


# ---- shapes ----


@pytest.mark.parametrize("size", [(64, 32), (65, 33), (70, 45), (256, 128)])
@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_any_image_size_and_stage(size, stage):
    for layout in ((64, 32), size):
        network = small(2, attention_stage=stage, image_size=layout).eval()
        with torch.no_grad():
            output = network(images(2, *size))
        assert output.embedding.shape == (2, 16)
        assert output.steps.shape == (2, 3, 16)
        sides = [4 * math.ceil(side / 2 ** (stage + 1) / 4) for side in layout]  # the next multiples of 4
        for mask in output.masks:
            assert mask.spatial.shape == (2, 1, *sides)
            assert mask.channel.shape == (2, network.backbone.channels[stage], 1, 1)
        assert len(output.masks) == 2


def test_without_attention():
    network = small(0).eval()
    output = network(images(2))
    assert torch.equal(output.embedding, output.steps[:, 0])
    assert output.steps.shape == (2, 1, 16)
    assert (output.masks, network.attention, network.fusion) == ((), None, None)
    assert network.fusion_weights() == [1.0]


@pytest.mark.parametrize("loops", [0, 2])
@pytest.mark.parametrize("stage", [1, 4])
def test_as_self_training_has_it(loops, stage):
    options = {"last_stride": 1, "pooling": "generalized_mean", "final_norm": True, "batch_norm_size": 2}
    network = small(loops, attention_stage=stage, **options)
    assert all(module.size == 2 for module in normalizations(network).values())
    assert network.backbone(images()).shape == (4, 512, 4, 2)
    assert network.embedding[0].in_features == 512
    assert not network.final_norm[0].bias.requires_grad
    output = network(images(6))
    fused = output.steps.mean(1)  # where the fusion starts
    for part, own in zip(output.embedding.split(2), fused.split(2), strict=True):
        expected = (own - own.mean(0)) / (own.var(0, unbiased=False) + 1e-5).sqrt()
        torch.testing.assert_close(part, expected, rtol=1e-4, atol=1e-4)
    assert network.gathered("target")
    assert not network.gathered("source")


# ---- the start ----


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [(64, 32), (70, 45)])
@pytest.mark.parametrize("update", ["refocus", "accumulate"])
def test_untrained_passes_give_the_embedding_of_pass_0(training, size, update):
    with_attention = small(3, attention_update=update).train(training)
    without = small(0).train(training)
    expected = without(images(4, *size)).embedding
    output = with_attention(images(4, *size))
    for step in output.steps.unbind(1):
        assert torch.equal(step, expected)
    torch.testing.assert_close(output.embedding, expected, rtol=1e-6, atol=1e-7)
    assert all((part == 0.5).all() for mask in output.masks for part in mask)
    with torch.autocast("cpu", torch.bfloat16):
        first, *others = with_attention(images(4, *size)).steps.unbind(1)
    assert all(torch.equal(step, first) for step in others)


@pytest.mark.parametrize("loops", [1, 2, 5])
def test_fusion_starts_at_the_mean_and_is_a_weighted_sum(loops):
    network = small(loops, moved=True).eval()
    assert network.fusion_weights() == pytest.approx([1 / (loops + 1)] * (loops + 1))
    assert network.fusion.bias is None
    weights = [0.5, -1.0, 2.0, 0.25, 1.0, -0.5][: loops + 1]
    with torch.no_grad():
        network.fusion.weight.copy_(torch.tensor(weights)[None, :, None])
    output = network(images())
    torch.testing.assert_close(output.embedding, (torch.tensor(weights)[:, None] * output.steps).sum(1))
    assert network.fusion_weights() == weights


# ---- the passes, and what the paper leaves open ----


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
@pytest.mark.parametrize("update", ["refocus", "accumulate"])
def test_passes_as_written_out(update, stage):
    batch = images(2, 128, 128).double()  # a map of 4 x 4 at stage 4: no mask is resized
    options = {"attention_stage": stage, "attention_update": update, "image_size": (128, 128)}
    network = small(3, moved=True, **options).double().eval()
    torch.testing.assert_close(network(batch).steps, torch.stack(manual(network, batch, update), dim=1))
    assert [type(layer).__name__ for layer in network.embedding] == ["Linear", "DomainBatchNorm", "PReLU"]
    assert network.embedding[0].in_features == 2 * 512


def test_options_are_told_apart():
    """Each open point is an option that changes what comes out."""
    outputs = []
    for option in ({}, {"attention_update": "accumulate"}, {"attention_stage": 2}, {"attention_stride": 2}):
        with torch.no_grad():
            network = small(2, moved=True, image_size=(128, 64), **option).eval()
            outputs.append(network(images(2, 128, 64)).embedding)
    for ours, theirs in itertools.combinations(outputs, 2):
        assert not torch.allclose(ours, theirs)


def test_gradients_flow_through_the_mask_into_the_pass_before():
    network = small(1, moved=True)
    mask = network(images()).masks[0]
    (mask.spatial.sum() + mask.channel.sum()).backward()
    reached = {name.split(".")[0] for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert reached == {"attention", "embedding", "backbone"}


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_a_coarse_mask_weights_the_whole_map_without_steps(stride):
    network = small(1, moved=True, attention_stride=stride).eval()  # the map is 16 x 8
    mask = network(images()).masks[0]
    assert mask.spatial.shape == (4, 1, 16 // stride, max(4, 8 // stride))  # its sides are multiples of 4
    applied = network.attention.apply_mask(torch.ones(4, 64, 16, 8), mask) / (4 * mask.channel)
    assert applied.shape == (4, 64, 16, 8)
    assert applied.diff(dim=2).abs().max() <= mask.spatial.diff(dim=2).abs().max() / stride + 1e-6


# ---- training, number types, copies ----


@pytest.mark.parametrize("loops", [0, 2])
@pytest.mark.parametrize("changes", [{}, {"attention_stage": 4}, {"backbone": "mobilenet_v2"}])
def test_every_parameter_gets_a_gradient(loops, changes):
    network = small(loops, **changes)
    outputs = [network(images(seed=seed), domain) for seed, domain in enumerate(("source", "target"))]
    sum(output.embedding.square().sum() for output in outputs).backward()
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert without == []


def test_float64_and_channels_last_give_the_same(moved):
    network = copy.deepcopy(moved).double()
    expected = network(images().double()).embedding
    assert expected.dtype == torch.float64
    torch.testing.assert_close(expected.float(), moved(images()).embedding, rtol=1e-2, atol=1e-3)
    network = network.to(memory_format=torch.channels_last)
    output = network(images().double().contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(output.embedding, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("training", [True, False])
def test_bfloat16_autocast_keeps_the_embedding_in_float32(moved, training):
    network = copy.deepcopy(moved).train(training)
    pooled = []
    network.embedding.register_forward_pre_hook(lambda layer, arguments: pooled.append(arguments[0]))
    with torch.autocast("cpu", torch.bfloat16):
        output = network(images())
    assert output.embedding.dtype == output.steps.dtype == output.masks[0].spatial.dtype == torch.float32
    network.condition.step = 0
    assert torch.equal(network.embedding(pooled[0]), output.steps[:, 0])  # no digit lost behind the pooling
    assert all(buffer.dtype in (torch.float32, torch.int64) for buffer in network.buffers())


def test_a_copy_has_a_condition_of_its_own(moved):
    network = copy.deepcopy(moved)
    assert network.condition is not moved.condition
    assert all(layer.condition is network.condition for layer in normalizations(network).values())
    assert torch.equal(network(images(), "source").embedding, moved(images(), "source").embedding)
    assert not torch.equal(network(images()).embedding, network(images(), "source").embedding)


def test_same_seed_same_network():
    assert torch.equal(small(1).eval()(images()).embedding, small(1).eval()(images()).embedding)
    assert not torch.equal(small(1).eval()(images()).embedding, small(1, seed=1).eval()(images()).embedding)
