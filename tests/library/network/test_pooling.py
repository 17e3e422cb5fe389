from __future__ import annotations

import pytest
import torch

from dien_lightning import DIEN
from dien_lightning.network.pooling import AverageAndMax, GeneralizedMean, LocalMax, build_pooling


def maps(dtype=torch.float64):
    return torch.rand(2, 3, 4, 5, dtype=dtype, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("power", [1.0, 3.0, 4.5])
def test_generalized_mean_by_loop(power):
    pool = GeneralizedMean(power).double()
    for image, pooled in zip(maps().tolist(), pool(maps()).tolist(), strict=True):
        for channel, value in zip(image, pooled, strict=True):
            values = [x for row in channel for x in row]
            assert value == pytest.approx((sum(x**power for x in values) / len(values)) ** (1 / power))


def test_between_average_and_maximum_whatever_the_order():
    average, maximum = AverageAndMax()(maps()).chunk(2, dim=1)
    torch.testing.assert_close(GeneralizedMean(1.0).double()(maps()), average)
    torch.testing.assert_close(GeneralizedMean(300.0).double()(maps()), maximum, rtol=0.02, atol=0)
    pool = GeneralizedMean().double()
    assert ((average < pool(maps())) & (pool(maps()) < maximum)).all()
    torch.testing.assert_close(pool(maps().flip(2, 3)), pool(maps()))


def test_gradient_and_zeros():
    pool = GeneralizedMean().double()
    assert torch.autograd.gradcheck(pool, (maps().requires_grad_(),))
    for power in (3.0, 8.0, 40.0):
        pool, zeros = GeneralizedMean(power), torch.zeros(1, 2, 3, 3, requires_grad=True)
        pool(zeros).sum().backward()
        assert zeros.grad.isfinite().all()
        assert pool.power.grad.isfinite()
    with torch.autocast("cpu", torch.bfloat16):
        assert GeneralizedMean()(maps(torch.bfloat16)).dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("value", [0.003, 41.0, 100.0])
def test_a_half_network_has_room_for_powers(dtype, value):
    features = torch.full((1, 1, 4, 2), value, dtype=dtype)
    pooled = GeneralizedMean().to(dtype)(features)
    assert pooled.dtype == dtype
    assert pooled.item() == pytest.approx(features[0, 0, 0, 0].item(), rel=torch.finfo(dtype).eps)


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_local_maximum_by_loop(parts):
    pooled = LocalMax(parts)(maps())
    for image, found in zip(maps().tolist(), pooled.tolist(), strict=True):
        height = 4 // parts
        stripes = [channel[part * height : (part + 1) * height] for channel in image for part in range(parts)]
        assert found == [max(x for row in stripe for x in row) for stripe in stripes]


def test_one_stripe_is_the_maximum_and_columns_have_no_order():
    assert torch.equal(LocalMax(1)(maps()), AverageAndMax()(maps())[:, 3:])
    assert torch.equal(LocalMax(4)(maps().flip(3)), LocalMax(4)(maps()))
    assert not torch.equal(LocalMax(4)(maps().flip(2)), LocalMax(4)(maps()))


def test_a_network_pools_each_row_of_its_map():
    for size, stride, rows in (((128, 64), 2, 4), ((128, 64), 1, 8), ((100, 40), 2, 4)):
        given = {"image_size": size, "last_stride": stride, "pooling": "local_max", "embedding_dim": 8}
        network = DIEN("resnet18", weights=None, attention_loops=0, **given).eval()
        assert network.pooling.times == rows
        assert network(torch.randn(1, 3, *size)).embedding.shape == (1, 8)
        assert network(torch.randn(1, 3, 64, 32)).embedding.shape == (1, 8)


def test_poolings_by_name():
    kinds = {"average_and_max": AverageAndMax, "generalized_mean": GeneralizedMean, "local_max": LocalMax}
    assert {name: type(build_pooling(name, 4)) for name in kinds} == kinds
