"""Query and gallery sets: small ones full of trouble (ties, junk, distractors, one camera, strangers), and larger."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st

from dien_lightning.retrieval import EvaluationSets

LABELS = ("pids", "camids", "index", "clothes")


def make(**parts: Any) -> EvaluationSets:
    """A query of person 1 in camera 0 at the origin, and gallery images on a line, in camera 1 if nothing is said."""
    number = len(parts["gallery"])
    known = {"query": [0.0], "query_pids": [1], "query_camids": [0], "gallery_camids": [1] * number, **parts}
    for role in ("query", "gallery"):
        known[role] = torch.as_tensor(known[role]).reshape(len(known[role]), -1)
    return EvaluationSets(**known)


def as_lists(sets: EvaluationSets) -> dict[str, Any]:
    """What the slow reference takes."""
    names = [*("query", "gallery"), *(f"{role}_{label}" for role in ("query", "gallery") for label in LABELS)]
    return {name: getattr(sets, name).tolist() for name in names}


def numbers(generator: torch.Generator, low: int, high: int, *shape: int) -> torch.Tensor:
    return torch.randint(low, high, shape, generator=generator)


@st.composite
def small_sets(draw: Any, max_query: int = 6, max_gallery: int = 30) -> EvaluationSets:
    """Embeddings on a grid of small integers, so that every distance is exact and many are equal."""
    sizes = {"query": draw(st.integers(1, max_query)), "gallery": draw(st.integers(1, max_gallery))}
    width, spread, num_ids = draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(1, 4))
    num_cameras = draw(st.sampled_from([1, 2, 3, 6]))  # SYSU-MM01 has 6
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    parts: dict[str, Any] = {}
    for role, size in sizes.items():
        parts[role] = numbers(generator, -spread, spread + 1, size, width).float()
        parts[f"{role}_pids"] = numbers(generator, draw(st.sampled_from([-1, 0, 1])), num_ids + 1, size)
        parts[f"{role}_camids"] = numbers(generator, 1, num_cameras + 1, size)
        parts[f"{role}_clothes"] = numbers(generator, 0, 2, size)
    return EvaluationSets(**parts)


def random_sets(seed: int = 0, num_query: int = 20, num_gallery: int = 200, width: int = 16) -> EvaluationSets:
    generator = torch.Generator().manual_seed(seed)
    parts: dict[str, Any] = {}
    for role, size in (("query", num_query), ("gallery", num_gallery)):
        parts[role] = torch.randn(size, width, generator=generator)
        parts[f"{role}_pids"] = numbers(generator, 1 if role == "query" else -1, 8, size)
        parts[f"{role}_camids"] = numbers(generator, 0, 3, size)
    return EvaluationSets(**parts)
