"""Float32 as it is named, on every machine, and what a processor has beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def full_float32() -> Iterator[None]:
    """Multiply and convolve float32 in full: TF32, which torch lets a GPU's convolutions have, has 10 bits of 23.

    What the caller has set (`torch.set_float32_matmul_precision`, `torch.backends.cudnn.allow_tf32`) holds again after.
    torch has these settings once for a process: threads that embed at the same time would share them. Inside, torch
    cannot be asked for `cudnn.allow_tf32`, as its export does (findings/exact_float32_stops_the_export.sh).

    Example:
        >>> with full_float32():
        ...     torch.backends.cudnn.conv.fp32_precision
        'ieee'
    """
    cuda, cudnn, mkldnn = torch.backends.cuda, torch.backends.cudnn, torch.backends.mkldnn
    backends: tuple[Any, ...] = cuda.matmul, cudnn.conv, mkldnn.matmul, mkldnn.conv  # type: ignore[attr-defined]
    precisions = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "ieee"
        yield
    finally:
        for backend, precision in zip(backends, precisions, strict=True):
            backend.fp32_precision = precision


def cpu_has(*features: str) -> bool:
    """Whether the processor has one of these, by torch's names, such as "avx512_bf16"."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(capabilities.get(feature) for feature in features)
