"""Float32 as it is named, and where bfloat16 is in hardware."""

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


def has_bfloat16(device: str) -> bool:
    """Whether that kind of device, "cpu" or "cuda", has bfloat16 in hardware."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
