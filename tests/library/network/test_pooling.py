from __future__ import annotations

import pytest
import torch

from dien_lightning.network.pooling import AverageAndMax, GeneralizedMean


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
    zeros = torch.zeros(1, 2, 3, 3, requires_grad=True)
    GeneralizedMean()(zeros).sum().backward()
    assert zeros.grad.isfinite().all()
    with torch.autocast("cpu", torch.bfloat16):
        assert GeneralizedMean()(maps(torch.bfloat16)).dtype == torch.float32
