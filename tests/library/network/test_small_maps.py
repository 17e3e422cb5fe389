"""A convolution of a small map: the product is the convolution, taken where it pays or torch's is doubtful."""

from __future__ import annotations

import copy

import pytest
import torch
import torchvision
from torch import nn

from dien_lightning.network import small_maps
from dien_lightning.network.backbone import Backbone
from dien_lightning.network.small_maps import SmallMapConv2d


def pair(stride: int | tuple[int, int] = 1):
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 4, 3, stride=stride, padding=1, bias=False).double()
    block = nn.Sequential(copy.deepcopy(plain))
    SmallMapConv2d.take_over(block)
    return plain, block[0]


@pytest.fixture
def products(monkeypatch):
    """How often a product was taken."""
    taken = []
    linear = small_maps.linear
    monkeypatch.setattr(small_maps, "linear", lambda *args: (taken.append(1), linear(*args))[1])
    return taken


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(4, 2), (2, 3), (2, 4), (1, 1)])
@pytest.mark.parametrize("stride", [1, 2, (1, 2)])
def test_value_and_gradients_are_the_convolutions(stride, size, layout, products):
    found = []
    for layer in pair(stride):
        layer.to(memory_format=layout)
        features = torch.randn(5, 6, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        features = features.contiguous(memory_format=layout).requires_grad_()
        output = layer(features)
        output.square().sum().backward()
        found.append((output, features.grad, layer.weight.grad))
    assert products == [1]
    for mine, torchs in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(mine, torchs, rtol=1e-12, atol=1e-12)


def test_under_autocast_it_gives_bfloat16_as_the_convolution_does(products):
    plain, product = (layer.float() for layer in pair())
    features = torch.randn(5, 6, 4, 2)
    with torch.autocast("cpu", torch.bfloat16):
        expected, found = plain(features), product(features)
    assert products == [1]
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("height", [3, 4, 16, 64])
@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_maps_in_bfloat16_are_right_in_evaluation(dtype, stride, width, height, products):
    torch.manual_seed(0)
    plain = nn.Conv2d(256, 256, 3, stride=stride, padding=1, bias=False)
    features = torch.randn(2, 256, height, width).to(dtype)
    expected = plain(features.float())
    block = nn.Sequential(plain).eval()
    SmallMapConv2d.take_over(block)
    with torch.autocast("cpu", torch.bfloat16):
        found = block(features)
    assert found.dtype == torch.bfloat16
    assert len(products) == (stride == 2)
    torch.testing.assert_close(found.float(), expected, rtol=2e-2, atol=2e-2)


def test_evaluation_and_larger_maps_take_torchs_convolution(products):
    plain, product = pair()
    for mode, size in ((False, (4, 2)), (True, (3, 3))):
        features = torch.randn(2, 6, *size, dtype=torch.float64)
        assert torch.equal(product.train(mode)(features), plain(features))
    assert not products


def test_a_resnets_last_block_takes_products_and_keeps_its_weights(products, monkeypatch):
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18(weights=None).layer4.state_dict()
    torch.manual_seed(0)
    backbone = Backbone("resnet18", weights=None)
    for name, weight in backbone.blocks[-1].state_dict().items():
        assert torch.equal(weight, theirs[name])
    images = torch.randn(2, 3, 128, 64)
    found = backbone(images)
    assert len(products) == 4  # two blocks of two; those that only narrow the map see one position each
    monkeypatch.setattr(SmallMapConv2d, "forward", nn.Conv2d.forward)
    torch.testing.assert_close(found, backbone(images), rtol=1e-4, atol=1e-4)


def test_other_convolutions_stay():
    others = {"groups": 4, "padding": 1}, {"padding": 0}, {"padding": 1, "bias": True}, {"padding": 1, "dilation": 2}
    others += ({"padding": 1, "padding_mode": "reflect"},)
    block = nn.Sequential(*(nn.Conv2d(4, 4, 3, **{"bias": False, **options}) for options in others))
    SmallMapConv2d.take_over(block)
    assert [type(layer) for layer in block] == [nn.Conv2d] * len(others)
