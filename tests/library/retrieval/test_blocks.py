"""Distances in blocks: against pairs taken one after the other, and copies told from what is like them."""

from __future__ import annotations

import pytest
import torch
from torchvision import tv_tensors

from dien_lightning.retrieval import blocks


@pytest.mark.parametrize("has_onednn", [True, False])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_distances_are_those_of_one_pair_after_the_other(monkeypatch, has_onednn, dtype):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: has_onednn)
    query, gallery = torch.randn(603, 40, generator=torch.Generator().manual_seed(0)).to(dtype).split([300, 303])
    taken = torch.cat([rows.to(torch.float64, copy=True) for _, rows in blocks.euclidean_blocks(query, gallery)])
    expected = torch.cdist(query.double(), gallery.double()).square() - query.double().square().sum(1, keepdim=True)
    torch.testing.assert_close(taken, expected, rtol=0, atol=1e-12 if dtype == torch.float64 else 1e-4)
    for _, rows in blocks.euclidean_blocks(tv_tensors.Mask(query[:, :0]), tv_tensors.Mask(gallery[:, :0])):
        assert bool((rows == 0).all())  # a subclass of Tensor, and no column


def test_copies_are_told_from_rows_that_agree_in_part():
    rows = torch.randn(40, 600, generator=torch.Generator().manual_seed(0))
    rows[1:4, :500] = rows[0, :500]
    rows[7], rows[20], rows[30], rows[31] = rows[5], rows[5], rows[2], rows[5]
    originals, copies = blocks.find_copies(rows)
    assert sorted(zip(copies.tolist(), originals.tolist(), strict=True)) == [(7, 5), (20, 5), (30, 2), (31, 5)]
