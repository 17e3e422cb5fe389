"""RTDA: the Kronecker product by loop, the start at exactly 1, and the layers that the paper names."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import reference
from dien_lightning.network import RecurrentTopDownAttention
from dien_lightning.network.attention import SeedDeconvolution
from dien_lightning.types import AttentionMask
from library.network.networks import move


def attention(size=(16, 8), moved=False):
    torch.manual_seed(0)
    module = RecurrentTopDownAttention(embedding_dim=64, channels=6, size=size)
    if moved:
        move(module)
    return module


def test_kronecker_product_as_the_loop_has_it():
    module = attention(moved=True).double()
    features, embedding = torch.randn(2, 6, 16, 8, dtype=torch.float64), torch.randn(2, 64, dtype=torch.float64)
    mask = module(embedding)
    assert all(((part > 0) & (part < 1)).all() and part.std() > 0 for part in mask)
    masked = module.apply_mask(features, mask)
    for image in range(2):
        expected = reference.kronecker_masked(
            features[image].tolist(), mask.spatial[image, 0].tolist(), mask.channel[image].flatten().tolist(), 4.0
        )
        torch.testing.assert_close(masked[image], torch.tensor(expected, dtype=torch.float64))
    kronecker = torch.kron(mask.channel[0].flatten(), mask.spatial[0].flatten()).view(6, 16, 8)
    torch.testing.assert_close(masked[0], 4 * features[0] * kronecker)


def test_by_hand():
    module = attention(size=(1, 2))
    mask = AttentionMask(torch.tensor([[[[0.5, 0.25]]]]), torch.tensor([0.5, 1.0])[None, :, None, None])
    masked = module.apply_mask(torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]]), mask)  # times 4
    assert masked.tolist() == [[[[1.0, 1.0]], [[6.0, 4.0]]]]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [(16, 8), (64, 32), (17, 9), (31, 15), (4, 4), (3, 1), (13, 50)])
@pytest.mark.parametrize("layout", [(16, 8), (7, 5)])
def test_the_mask_starts_at_exactly_1_on_every_map(size, layout, training):
    module = attention(layout).train(training)
    features = torch.randn(3, 6, *size)
    assert torch.equal(module.apply_mask(features, module(torch.randn(3, 64))), features)
    half = features.bfloat16()
    assert torch.equal(module.apply_mask(half, module(torch.randn(3, 64))), half)


@pytest.mark.parametrize(("size", "rounded"), [((16, 8), (16, 8)), ((4, 4), (4, 4)), ((17, 9), (20, 12))])
def test_a_layout_is_rounded_up_to_multiples_of_4(size, rounded):
    mask = attention(size)(torch.randn(2, 64))
    assert mask.spatial.shape == (2, 1, *rounded)
    assert mask.channel.shape == (2, 6, 1, 1)


def test_resized_masks_stay_inside_the_sigmoids_range():
    module = attention(moved=True).eval()
    mask = module(torch.randn(2, 64))
    masked = module.apply_mask(torch.ones(2, 6, 33, 5), AttentionMask(mask.spatial, torch.full((2, 6, 1, 1), 0.25)))
    assert mask.spatial.min() <= masked.min()
    assert masked.max() <= mask.spatial.max()


def test_the_layers_are_those_of_the_paper():
    module = RecurrentTopDownAttention()  # 2048 -> a map of 256 x 64 x 32
    deconvolutions = [layer for layer in module.spatial if isinstance(layer, nn.ConvTranspose2d)]
    assert [layer.out_channels for layer in deconvolutions] == [128, 64, 1]
    assert [layer.kernel_size for layer in deconvolutions] == [(16, 8), (4, 4), (4, 4)]
    convolutions = [layer for layer in module.channel if isinstance(layer, nn.Conv2d)]
    assert [(layer.in_channels, layer.out_channels) for layer in convolutions] == [(2048, 128), (128, 256)]
    names = ["SeedDeconvolution", "BatchNorm2d", "ReLU", "ConvTranspose2d", "BatchNorm2d", "ReLU", "ConvTranspose2d"]
    assert [type(layer).__name__ for layer in module.spatial] == names


@pytest.mark.parametrize("kernel", [(4, 2), (1, 1), (3, 5)])
@pytest.mark.parametrize("layout", [{}, {"memory_format": torch.channels_last}])
def test_the_first_deconvolution_is_torchs_with_its_weights_and_gradients(kernel, layout):
    general = nn.ConvTranspose2d(12, 6, kernel, bias=False).to(torch.float64, **layout)
    product = SeedDeconvolution(12, 6, kernel).to(torch.float64, **layout)
    product.load_state_dict(general.state_dict())
    assert product.weight.is_contiguous(memory_format=torch.channels_last)
    seed = torch.randn(5, 12, 1, 1, dtype=torch.float64)
    factor = torch.randn(5, 6, *kernel, dtype=torch.float64)
    gradients = []
    for module in (general, product):
        own = seed.clone().requires_grad_()
        maps = module(own)
        (maps * factor).sum().backward()
        gradients.append((maps, own.grad, module.weight.grad))
    torch.testing.assert_close(gradients[1], gradients[0])
    assert product.weight.grad.is_contiguous(memory_format=torch.channels_last)  # no copy into another layout


def test_a_seed_still_draws_the_same_attention():
    torch.manual_seed(3)
    module = RecurrentTopDownAttention(embedding_dim=8, channels=4, size=(8, 8))
    torch.manual_seed(3)
    assert torch.equal(module.spatial[0].weight, nn.ConvTranspose2d(8, 128, 2, bias=False).weight)


def test_gradients_reach_every_layer_once_the_last_has_moved():
    module = attention(moved=True)
    module.apply_mask(torch.randn(3, 6, 16, 8), module(torch.randn(3, 64))).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in module.parameters())
