"""Random query and gallery sets, small and full of trouble: ties, junk, distractors, single cameras, strangers."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st


class Images(NamedTuple):
    """Embeddings on a grid of small integers, so that every distance is exact and many are equal."""

    query: torch.Tensor
    query_pids: list[int]
    query_camids: list[int]
    gallery: torch.Tensor
    gallery_pids: list[int]
    gallery_camids: list[int]


@st.composite
def images(draw: Any, max_query: int = 6, max_gallery: int = 30) -> Images:
    num_query, num_gallery = draw(st.integers(1, max_query)), draw(st.integers(1, max_gallery))
    width = draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    spread, num_cameras, num_ids = draw(st.integers(1, 6)), draw(st.integers(1, 3)), draw(st.integers(1, 4))

    def numbers(low: int, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=generator)

    gallery = numbers(-spread, spread + 1, num_gallery, width).float()
    return Images(
        query=numbers(-spread, spread + 1, num_query, width).float(),
        query_pids=numbers(draw(st.sampled_from([-1, 0, 1])), num_ids + 1, num_query).tolist(),
        query_camids=numbers(0, num_cameras, num_query).tolist(),
        gallery=gallery,
        gallery_pids=numbers(draw(st.sampled_from([-1, 0, 1])), num_ids + 1, num_gallery).tolist(),
        gallery_camids=numbers(0, num_cameras, num_gallery).tolist(),
    )
